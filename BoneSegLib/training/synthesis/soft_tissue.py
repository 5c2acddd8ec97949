"""Everything that is not bone inside the skin: fat, muscle, organs, vessels, bowel, discs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.training.synthesis.hollow_organs import eroded, fill_bladder, fill_bowel
from BoneSegLib.training.synthesis.noise import smooth_noise
from BoneSegLib.training.synthesis.tissue import SPINAL_CORD, group_values

AIR_HU = -1000.0


@dataclass(frozen=True)
class WarpedAnatomy:
    """One patient: the arrays of an `AnatomyMap` after deformation, all of one shape (kji), on the grid of the case.

    ``heights``: where each voxel was in the map, mm along k. ``spacing``: mm of the case's voxels. ``bone_hu``:
    measured HU of the bones, where there are any.
    """

    labels: NDArray[np.uint8]
    targets: NDArray[np.uint8]
    depth: NDArray[np.float32]
    body: NDArray[np.float32]
    gap: NDArray[np.bool_]
    heights: NDArray[np.float32]
    spacing: float
    bone_hu: NDArray[np.float32] | None = None


def soft_tissue_hu(anatomy: WarpedAnatomy, rng: np.random.Generator) -> NDArray[np.float32]:
    """HU of the body without its bones, air around it."""
    shape = anatomy.labels.shape
    fat, muscle = rng.uniform(-125, -75), rng.uniform(25, 75)
    fine = smooth_noise(shape, 4, rng).numpy()
    skin_at = rng.uniform(2, 30)
    ct = np.full(shape, AIR_HU, np.float32)
    inside = anatomy.body < skin_at
    ct[inside] = fat + 6 * fine[inside]
    ct[inside & (anatomy.body > skin_at - rng.uniform(1.5, 3))] = rng.uniform(-20, 60)
    _fill_unlabelled(ct, anatomy, fine, fat=fat, muscle=muscle, rng=rng)
    _fill_labelled(ct, anatomy, fine, muscle=muscle, rng=rng)
    fill_bowel(ct, anatomy.labels, rng)
    fill_bladder(ct, anatomy.labels, rng)
    _fill_gaps(ct, anatomy, fine, rng)
    return ct


def _fill_unlabelled(
    ct: NDArray[np.float32],
    anatomy: WarpedAnatomy,
    fine: NDArray[np.float32],
    *,
    fat: float,
    muscle: float,
    rng: np.random.Generator,
) -> None:
    """Muscles and fat that the maps do not name: blobs of muscle, more of it near bone, parted by planes of fat."""
    shape = anatomy.labels.shape
    core = (anatomy.labels == 0) & (anatomy.body < rng.uniform(-6, 1.5))
    blobs = smooth_noise(shape, rng.uniform(8, 18), rng).numpy()
    near_bone = np.clip(1 + anatomy.depth / 30, 0, 1)  # depth is negative outside
    muscular = blobs * 0.8 + 0.25 * fine + 1.6 * near_bone > rng.normal(0.9, 0.4)
    planes = np.abs(smooth_noise(shape, rng.uniform(9, 16), rng).numpy()) < rng.uniform(0.02, 0.12)
    marbling = rng.uniform(2, 30)
    tissue = np.where(muscular & ~planes, muscle + marbling * 0.5 * fine, fat + 10 * fine)
    ct[core] = tissue[core]


def _fill_labelled(
    ct: NDArray[np.float32],
    anatomy: WarpedAnatomy,
    fine: NDArray[np.float32],
    *,
    muscle: float,
    rng: np.random.Generator,
) -> None:
    contrast = rng.random() < 0.55
    enhancement = rng.uniform(0, 120) if contrast else 0.0
    mean, spread = np.zeros(256, np.float32), np.full(256, 8, np.float32)

    def paint(group: str, low: float, high: float, texture: float, *, each: bool = True) -> None:
        values = group_values(group)
        mean[values] = rng.uniform(low, high, len(values)) if each else rng.uniform(low, high)
        spread[values] = texture

    paint("organ", 30 + 0.5 * enhancement, 70 + enhancement, 10)
    paint("lung", -900, -700, 40)
    paint("muscle", muscle - 8, muscle + 8, rng.uniform(4, 25))
    paint("fluid", -5, 25, 6)
    paint("vessel", *((110, 380) if contrast else (30, 50)), 10)
    paint("kidney", *((90, 260) if contrast else (25, 45)), 12, each=False)
    paint("cartilage", 60, 220, 50)
    paint("nerve", 15, 45, 6)
    if rng.random() < 0.15:
        mean[SPINAL_CORD], spread[SPINAL_CORD] = rng.uniform(150, 1100), 150  # myelography
    soft = (anatomy.labels > 0) & (anatomy.targets == 0)
    values = anatomy.labels[soft]
    ct[soft] = mean[values] + spread[values] * fine[soft]
    if rng.random() < 0.4:
        _calcify(ct, anatomy, fine, rng)


def _calcify(
    ct: NDArray[np.float32], anatomy: WarpedAnatomy, fine: NDArray[np.float32], rng: np.random.Generator
) -> None:
    """Plaques in the walls of aorta and iliac arteries, which look like little bones."""
    artery = np.isin(anatomy.labels, (52, 65, 66))
    wall = artery & ~eroded(artery)
    plaque = wall & (fine > rng.uniform(0.6, 1.6))
    ct[plaque] = rng.uniform(250, 1100)


def _fill_gaps(
    ct: NDArray[np.float32], anatomy: WarpedAnatomy, fine: NDArray[np.float32], rng: np.random.Generator
) -> None:
    """Discs and cartilage between bones, sometimes with vacuum gas or calcified."""
    gap = anatomy.gap & (anatomy.labels == 0)
    disc = rng.uniform(50, 120) + 12 * fine
    if rng.random() < 0.2:
        disc = np.where(fine > rng.uniform(1.0, 2.0), rng.uniform(-600, -100), disc)
    if rng.random() < 0.15:
        disc = np.where(fine < -rng.uniform(1.0, 2.0), rng.uniform(200, 500), disc)
    ct[gap] = disc[gap]
