"""Broken bones and missing ones: cracks, displaced fragments, resections, taken-off arches of vertebrae.

All of it changes labels and depths before HU are made, so that a broken face has no cortical shell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from BoneSegLib.training.synthesis.noise import smooth_noise
from BoneSegLib.training.synthesis.tissue import MUSCLE, target_table

_FEWEST_VOXELS = 2500
_GONE_MM = -4.0


@dataclass(frozen=True)
class DamageOptions:
    """How often (0-1)."""

    fracture: float = 0.08
    missing: float = 0.05


def damage(
    labels: NDArray[np.uint8],
    depth: NDArray[np.float32],
    *,
    spacing: float,
    options: DamageOptions,
    rng: np.random.Generator,
) -> None:
    """Breaks or takes away bone, in place. ``labels``: anatomy values; ``depth``: mm below the bone's surface."""
    if rng.random() < options.fracture:
        value = _any_bone(labels, range(1, 11), rng)
        if value:
            fracture(labels, depth, value=value, spacing=spacing, rng=rng)
    if rng.random() < options.missing:
        value = _any_bone(labels, range(1, 11), rng)
        if value:
            resect(labels, depth, value=value, spacing=spacing, rng=rng)


def _any_bone(labels: NDArray[np.uint8], wanted: range, rng: np.random.Generator) -> int:
    """The anatomy value of a bone of the ``wanted`` training labels that is large in view; 0 if there is none."""
    counts = np.bincount(labels.ravel(), minlength=256)
    present = [value for value in np.flatnonzero(counts > _FEWEST_VOXELS) if target_table()[value] in wanted]
    return int(rng.choice(present)) if present else 0


def fracture(
    labels: NDArray[np.uint8], depth: NDArray[np.float32], *, value: int, spacing: float, rng: np.random.Generator
) -> None:
    """Parts a bone along an uneven plane; the smaller piece moves away by up to 8 mm, or a crack of 1 to 3 mm stays."""
    box = _box(labels == value, margin=int(10 / spacing))
    bone = labels[box] == value
    distance = _uneven_plane(bone, spacing=spacing, rng=rng)
    crack = np.abs(distance) < rng.uniform(0.5, 1.5)
    piece = bone & (distance > 0)
    if 2 * piece.sum() > bone.sum():
        piece = bone & ~piece
    shift = np.round(rng.normal(0, 3.5, 3) / spacing).clip(-5, 5).astype(int)
    depth[box][bone & crack] = -0.5
    if piece.sum() < 300 or not shift.any():
        return
    move_piece(labels[box], depth[box], piece=piece, shift=shift)


def move_piece(
    labels: NDArray[np.uint8], depth: NDArray[np.float32], *, piece: NDArray[np.bool_], shift: NDArray[np.int_]
) -> None:
    """Moves the voxels ``piece`` by ``shift`` (voxels, kji), in place; they stop where other bone is, or the edge."""
    values, depths = labels[piece], depth[piece]
    labels[piece], depth[piece] = MUSCLE, np.minimum(depths, _GONE_MM / 2)
    there = np.argwhere(piece) + shift
    seen = ((there >= 0) & (there < labels.shape)).all(1)
    at = tuple(there[seen].T)
    free = target_table()[labels[at]] == 0
    at = tuple(axis[free] for axis in at)
    labels[at], depth[at] = values[seen][free], depths[seen][free]


def resect(
    labels: NDArray[np.uint8], depth: NDArray[np.float32], *, value: int, spacing: float, rng: np.random.Generator
) -> None:
    """Takes bone away: a vertebra's arch, one side of an uneven plane through any other bone, or all of a hip bone."""
    box = _box(labels == value, margin=2)
    bone = labels[box] == value
    if 6 <= target_table()[value] <= 10:
        deepest = np.unravel_index(int(np.where(bone, depth[box], -1).argmax()), bone.shape)
        gone = bone & (np.arange(bone.shape[1])[None, :, None] > deepest[1] + rng.uniform(12, 22) / spacing)
    elif rng.random() < 0.3:
        gone = bone
    else:
        gone = bone & (_uneven_plane(bone, spacing=spacing, rng=rng) > 0)
    labels[box][gone] = MUSCLE if rng.random() < 0.5 else 0
    depth[box][gone] = _GONE_MM


def _uneven_plane(bone: NDArray[np.bool_], *, spacing: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Signed distance in mm to a rough plane through a random voxel of a bone."""
    voxels = np.argwhere(bone)
    at, normal = voxels[rng.integers(len(voxels))], rng.normal(size=3)
    normal /= np.linalg.norm(normal)
    k, j, i = (grid - c for grid, c in zip(np.ogrid[tuple(slice(0, n) for n in bone.shape)], at, strict=True))
    flat = (k * normal[0] + j * normal[1] + i * normal[2]) * spacing
    rough = smooth_noise(bone.shape, 8, rng).numpy() * rng.uniform(1, 5)
    return (flat + rough).astype(np.float32)


def _box(mask: NDArray[np.bool_], *, margin: int) -> tuple[slice, ...]:
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(slice(max(0, s.start - margin), s.stop + margin) for s in found)
