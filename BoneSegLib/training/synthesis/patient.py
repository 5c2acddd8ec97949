"""A map as a patient who can be changed: other bones of pelvis, femurs and spine, other heights of it, bent hips."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from BoneSegLib.training.synthesis import shape_model, spine
from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap
from BoneSegLib.training.synthesis.femur_shape import FittedFemur, fit_femur, warp_to_femur
from BoneSegLib.training.synthesis.hip_joint import HipJoint, HipOptions, bend_hip, find_hip_joints, random_rotation
from BoneSegLib.training.synthesis.lumbar_shape import FittedLumbarSpine, fit_lumbar_spine, warp_to_lumbar_spine
from BoneSegLib.training.synthesis.shape_model import ShapeModel, ShapeWarp
from BoneSegLib.training.synthesis.shapes import Shapes
from BoneSegLib.training.synthesis.spine import SpineOptions

_LONGER_MM = 90.0


@dataclass(frozen=True)
class PatientOptions:
    """What changes from patient to patient, before the pose."""

    shape: float = 0.7
    """Share of cases with the pelvis of a subject of the shape models."""
    shape_strength: tuple[float, float] = (0.6, 1.2)
    """Between the map's shape (0) and the subject's (1), or a little beyond."""
    femur: float = 0.8
    """Share with the upper femurs of a subject, of the cases whose hips are not bent."""
    femur_strength: tuple[float, float] = (0.4, 1.0)
    """Between the map's femur (0) and the subject's (1)."""
    lumbar: float = 0.6
    """Share with the lumbar vertebrae of a subject."""
    lumbar_strength: tuple[float, float] = (-0.5, 1.0)
    """Between the map's vertebrae (0) and the subject's (1), or a little to the other side."""
    hips: HipOptions = field(default_factory=HipOptions)
    spine: SpineOptions = field(default_factory=SpineOptions)


@dataclass(frozen=True)
class Patient:
    """A map and what was found in it, once: hip joints, ends of vertebral bodies, points of the shape models, of
    the femurs' ones and of other lumbar spines.

    What was not found is not changed.
    """

    anatomy: AnatomyMap
    hips: tuple[HipJoint, ...] = ()
    bodies: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    shapes: tuple[tuple[ShapeModel, NDArray[np.float64]], ...] = ()
    femurs: tuple[FittedFemur, ...] = ()
    spines: tuple[FittedLumbarSpine, ...] = ()
    bone_hu: NDArray[np.int16] | None = None
    """Measured HU of the map's bones, complete within and a little around them."""


def find_patient(
    anatomy: AnatomyMap,
    shapes: Shapes | None = None,
    *,
    bone_hu: NDArray[np.int16] | None = None,
) -> Patient:
    """Finds the parts of a map that can be changed; what is cut away or absent stays as it is."""
    shapes = shapes or Shapes()
    pelves = [(model, shape_model.fit(model, anatomy)) for model in shapes.pelves]
    femurs = [fit_femur(model, anatomy) for model in shapes.femurs]
    spines = [fit_lumbar_spine(spine, anatomy) for spine in shapes.spines]
    return Patient(
        anatomy=anatomy,
        hips=find_hip_joints(anatomy),
        bodies=spine.body_ends(anatomy),
        shapes=tuple((model, points) for model, points in pelves if points is not None),
        femurs=tuple(femur for femur in femurs if femur is not None),
        spines=tuple(fitted for fitted in spines if fitted is not None),
        bone_hu=bone_hu,
    )


def change(
    points: torch.Tensor, patient: Patient, options: PatientOptions, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where ``points`` (voxels of the changed map, shape k, j, i, 3) lie in the map, and which would repeat a bone.

    Backwards from the picture to the map: heights of the spine, shapes of the pelvis and of vertebrae, then bent hips
    or other femurs. Both lie on the device of ``points``.
    """
    moved, ends = spine.random_heights(patient.bodies, options.spine, rng)
    levels = spine.source_levels(points[..., 0].cpu().numpy(), moved, ends)
    points = torch.cat([torch.from_numpy(levels).to(points.device)[..., None], points[..., 1:]], -1)
    for warp in (_random_shape(patient, options, rng), _random_vertebrae(patient, options, rng)):
        points = points if warp is None else warp(points)
    stray = torch.zeros(points.shape[:3], dtype=torch.bool, device=points.device)
    if patient.hips and rng.random() < options.hips.share:
        points, stray = _bend_hips(points, patient, options.hips, rng)
    elif patient.femurs and rng.random() < options.femur:
        points = _other_femurs(points, patient, options, rng)
    return points, stray


def _random_shape(patient: Patient, options: PatientOptions, rng: np.random.Generator) -> ShapeWarp | None:
    if not patient.shapes or rng.random() >= options.shape:
        return None
    model, fitted = patient.shapes[rng.integers(len(patient.shapes))]
    subject = int(rng.integers(len(model.subjects)))
    strength = rng.uniform(*options.shape_strength)
    return shape_model.warp_to_subject(model, fitted, subject, patient.anatomy, strength=strength)


def _random_vertebrae(patient: Patient, options: PatientOptions, rng: np.random.Generator) -> ShapeWarp | None:
    if not patient.spines or rng.random() >= options.lumbar:
        return None
    fitted = patient.spines[rng.integers(len(patient.spines))]
    return warp_to_lumbar_spine(fitted, patient.anatomy, strength=rng.uniform(*options.lumbar_strength))


def _other_femurs(
    points: torch.Tensor, patient: Patient, options: PatientOptions, rng: np.random.Generator
) -> torch.Tensor:
    """Both sides of one subject; a femur that would fold the map stays as it is."""
    subject = int(rng.integers(min(len(fitted.model.subjects) for fitted in patient.femurs)))
    strength = rng.uniform(*options.femur_strength)
    for fitted in patient.femurs:
        warp = warp_to_femur(fitted, subject, patient.anatomy, strength=strength)
        points = points if warp is None else warp(points)
    return points


def _bend_hips(
    points: torch.Tensor, patient: Patient, options: HipOptions, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Only the levels below the hips' tops are touched, and thighs go on below the map as they end in it."""
    anatomy = patient.anatomy
    stray = torch.zeros(points.shape[:3], dtype=torch.bool, device=points.device)
    reach = max(float(joint.center[0]) for joint in patient.hips) + 100 / anatomy.spacing
    concerned = (points[..., 0] < reach).any(-1).any(-1).nonzero()
    if not len(concerned):
        return points, stray
    part = slice(int(concerned.min()), int(concerned.max()) + 1)
    moved, again = points[part].clone(), stray[part]
    for joint in patient.hips:
        moved, astray = bend_hip(moved, anatomy.labels, joint, random_rotation(joint.femur, options, rng))
        again = again | astray
    lowest = max(joint.lowest for joint in patient.hips)
    below = (moved[..., 0] < lowest) & (moved[..., 0] > lowest - _LONGER_MM / anatomy.spacing)
    moved[..., 0] = torch.where(below, torch.full_like(moved[..., 0], lowest), moved[..., 0])
    points, stray = points.clone(), stray.clone()
    points[part], stray[part] = moved, again
    return points, stray
