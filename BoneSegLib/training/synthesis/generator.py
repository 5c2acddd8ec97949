"""One synthetic case: an anatomy map, a random generator and options become CT and labels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from BoneSegLib.training.synthesis import bone, scanner, surroundings
from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap
from BoneSegLib.training.synthesis.clothes import add_clothes
from BoneSegLib.training.synthesis.damage import DamageOptions, damage
from BoneSegLib.training.synthesis.deformation import DeformationOptions, read_at, sampling_grid, sampling_points
from BoneSegLib.training.synthesis.implants import Implant, apply_to_labels, random_implant
from BoneSegLib.training.synthesis.label_surface import fit_labels
from BoneSegLib.training.synthesis.lesions import LesionOptions, add_lesions
from BoneSegLib.training.synthesis.patient import Patient, PatientOptions, change
from BoneSegLib.training.synthesis.soft_tissue import AIR_HU, WarpedAnatomy, soft_tissue_hu
from BoneSegLib.training.synthesis.tissue import MUSCLE, OTHER_BONE, TOOTH, mirrored_labels, target_table

_FAR_MM = 60.0


@dataclass(frozen=True)
class SynthesisOptions:
    """What may happen to a case, and how often. Probabilities are 0-1, lengths mm."""

    spacing: float = 1.5
    """Of the case's voxels, whatever those of the map are."""
    largest_shape: tuple[int, int, int] = (250, 200, 256)
    """Voxels (kji) of a case at most: 375 mm of a patient fill the memory of a small machine well. Of a finer grid, as
    many show less of the patient."""
    strangers: float = 0.12
    """Share of cases of heads, limbs and lone bones, made up."""
    negatives: float = 0.06
    """Share of the other cases that show thorax and shoulders alone, where the map reaches far enough."""
    whole: float = 0.15
    """Share of cases that show the map from end to end, as far as `largest_shape` allows."""
    tight: float = 0.3
    """Share of cases cropped closely, as spine reconstructions are."""
    mirror: float = 0.5
    table: float = 0.7
    arm: float = 0.2
    clothes: float = 0.5
    real_bone: float = 0.6
    """Share of the cases of a map with measured HU that show them."""
    implant: float = 0.1
    hardening: float = 0.4
    """Share of cases with dark bands between dense bones: beam hardening that the scanner does not correct."""
    tilt: float = 0.08
    """Share of cases scanned with a tilted gantry."""
    circle: float = 0.2
    noise_hu: tuple[float, float] = (4.0, 60.0)
    slice_mm: tuple[float, float] = (1.0, 5.0)
    patient: PatientOptions = field(default_factory=PatientOptions)
    damage: DamageOptions = field(default_factory=DamageOptions)
    lesions: LesionOptions = field(default_factory=LesionOptions)
    deformation: DeformationOptions = field(default_factory=DeformationOptions)


def synthesize_case(
    patient: Patient, options: SynthesisOptions, rng: np.random.Generator, *, device: torch.device | None = None
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """CT in HU and training labels 0-11, arrays kji on an LPS grid of ``options.spacing`` mm.

    What is computed for every voxel with torch (the deformation, streaks and bands) is computed on ``device`` (the CPU,
    if none is named). All random numbers come from ``rng``: the case is the same on each, but for rounding.
    """
    anatomy = _deform(patient, options, rng, device)
    targets = anatomy.targets
    ct = soft_tissue_hu(anatomy, rng)
    _insert_bones(ct, anatomy, options.lesions, rng)
    body = ct > surroundings.BODY_HU
    if rng.random() < options.arm:
        surroundings.add_arm(ct, targets, body, spacing=options.spacing, rng=rng)
    # Asked without a random number where nobody is dressed: the sample CT stays as it is.
    if options.clothes and rng.random() < options.clothes:
        add_clothes(ct, (ct > surroundings.BODY_HU) | (anatomy.body < 0), spacing=options.spacing, rng=rng)
    if rng.random() < options.table:
        surroundings.add_table(ct, body, spacing=options.spacing, rng=rng)
    implant = _implant(ct, targets, options, rng)
    kernel = scanner.random_kernel(rng)
    ct = scanner.blur(ct, kernel, rng)
    if options.hardening and rng.random() < options.hardening:
        scanner.harden(ct, spacing=options.spacing, rng=rng, device=device)
    if implant:
        scanner.add_metal(ct, implant.metal, spacing=options.spacing, rng=rng, device=device)
    low, high = np.log(options.noise_hu)
    slice_mm = rng.uniform(*options.slice_mm) if rng.random() < 0.6 else options.spacing
    ct = scanner.acquire(ct, kernel, spacing=options.spacing, noise_hu=float(np.exp(rng.uniform(low, high))),
                         slice_mm=float(slice_mm), rng=rng)  # fmt: skip
    if rng.random() < options.tilt:
        scanner.tilt_gantry(ct, targets, degrees=rng.uniform(-20, 20), rng=rng)
    if rng.random() < options.circle:
        scanner.circular_field(ct, targets, rng)
    if rng.random() < options.mirror:
        ct, targets = ct[:, :, ::-1], mirrored_labels()[targets[:, :, ::-1]]
    return (
        np.ascontiguousarray(np.clip(np.round(ct), -1024, 3071).astype(np.int16)),
        np.ascontiguousarray(targets),
    )


def _deform(
    patient: Patient, options: SynthesisOptions, rng: np.random.Generator, device: torch.device | None
) -> WarpedAnatomy:
    source = patient.anatomy
    step = options.spacing / source.spacing
    field, center = _field_of_view(source, options, rng)
    shape = [max(32, round(size / step) // 2 * 2) for size in field]
    points = sampling_points(shape, center=center, spacing=source.spacing, options=options.deformation, rng=rng,
                             step=step, device=device)  # fmt: skip
    points, astray = change(points, patient, options.patient, rng)
    stray = astray.cpu().numpy()
    grid = sampling_grid(points, source.labels.shape)
    labels = read_at(source.labels, grid, nearest=True).astype(np.uint8)
    depth = read_at(source.depth, grid, outside=-30.0)
    labels[stray], depth[stray] = MUSCLE, np.minimum(depth[stray], -2)
    fit_labels(labels, depth, reach=int(np.ceil(1 / step)))
    damage(labels, depth, spacing=options.spacing, options=options.damage, rng=rng)
    return WarpedAnatomy(
        labels=labels,
        targets=target_table()[labels],
        depth=depth,
        body=read_at(source.body, grid, outside=_FAR_MM),
        gap=read_at(source.gap, grid) > 0,  # beside bone, too, of what `fit_labels` took from it
        heights=points[..., 0].cpu().numpy() * np.float32(source.spacing),
        spacing=options.spacing,
        bone_hu=_real_bone(patient, grid, options, rng),
    )


def _real_bone(
    patient: Patient, grid: torch.Tensor, options: SynthesisOptions, rng: np.random.Generator
) -> NDArray[np.float32] | None:
    """Measured HU, of somebody with denser or poorer bone."""
    if patient.bone_hu is None or rng.random() >= options.real_bone:
        return None
    density = rng.uniform(0.55, 1.25)
    return read_at(patient.bone_hu, grid) * np.float32(density)


def _field_of_view(
    source: AnatomyMap, options: SynthesisOptions, rng: np.random.Generator
) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """How many voxels of the map a case shows (kji), and the one at its middle."""
    targets = source.targets
    # Rounded, since files tell 1.5 mm as 1.4999999.
    largest = (np.array(options.largest_shape) * options.spacing / source.spacing).round(3)
    size = np.array(targets.shape)
    levels = np.flatnonzero(((targets > 0) & (targets < OTHER_BONE)).any((1, 2)))
    shape = np.minimum(size * 1.04, largest).astype(int)
    center = (size - 1) / 2
    if not levels.size:
        shape[0] = int(rng.uniform(0.35, 1.0) * shape[0])
        center[0] = rng.uniform(min(shape[0], size[0]) / 2, size[0] - min(shape[0], size[0]) / 2)
        return shape, center
    above = size[0] - levels.max() - 1  # levels of thorax and shoulders
    if rng.random() < options.whole and size[0] <= largest[0]:
        return shape, center
    if rng.random() < options.negatives and above > 90:
        shape[0] = int(rng.uniform(60, min(above - 25, largest[0])))
        low, high = levels.max() + 18 + shape[0] / 2, size[0] - shape[0] / 2
        center[0] = rng.uniform(low, max(low, high))
        return shape, center
    if rng.random() < options.tight:
        shape = np.minimum(shape, (np.array([220, 110, 120]) * rng.uniform(0.75, 1.4, 3)).astype(int))
        voxels = np.argwhere((targets > 0) & (targets < OTHER_BONE))
        return shape, (voxels[rng.integers(len(voxels))] + rng.normal(0, 15, 3)) * [1, 0.7, 0.8] + size * [
            0, 0.15, 0.1]  # fmt: skip
    shape[0] = int(shape[0] * rng.uniform(0.5, 1.0) ** 0.7)
    center[0] = rng.uniform(levels.min(), levels.max() + min(30, above))
    half = shape[0] / 2
    if rng.random() < 0.7:  # otherwise the field sticks out of the map, which is a cut through the patient
        center[0] = np.clip(center[0], half, max(half, size[0] - half))
    return shape, center


def _implant(
    ct: NDArray[np.float32], targets: NDArray[np.uint8], options: SynthesisOptions, rng: np.random.Generator
) -> Implant | None:
    """What was implanted, if anything: labels and, where bone gave way, soft tissue are as it left them."""
    implant = random_implant(targets, spacing=options.spacing, rng=rng) if rng.random() < options.implant else None
    if implant:
        apply_to_labels(targets, implant)
        if implant.removed is not None:
            ct[implant.removed] = np.float32(rng.uniform(0, 60))
    return implant


def _insert_bones(
    ct: NDArray[np.float32], anatomy: WarpedAnatomy, lesions: LesionOptions, rng: np.random.Generator
) -> None:
    """Blends bone into the soft tissue ``ct`` by partial volume, only where bone is near."""
    near = anatomy.depth > -3
    if not near.any():
        return
    shaft = bone.femur_shaft(anatomy.targets, anatomy.heights)
    solid = anatomy.bone_hu
    if solid is None:
        solid = bone.bone_hu(anatomy.depth, anatomy.targets, shaft=shaft, spacing=anatomy.spacing, rng=rng)
    teeth = anatomy.labels == TOOTH
    solid[teeth] += np.float32(rng.uniform(600, 1600))
    add_lesions(solid, anatomy.depth, spacing=anatomy.spacing, options=lesions, rng=rng)
    fraction = bone.bone_fraction(anatomy.depth, rng)
    around = np.where((anatomy.targets > 0) | (ct < AIR_HU + 300), np.float32(30), ct)
    mixed = fraction * solid + (1 - fraction) * around
    ct[near] = mixed[near]
