"""More negatives: lower legs, forearms, hands and lone bones, none of them one of the ten."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap, prepare_anatomy
from BoneSegLib.training.synthesis.deformation import rotation_matrix
from BoneSegLib.training.synthesis.noise import smooth_noise
from BoneSegLib.training.synthesis.tissue import MUSCLE, OTHER_BONE, target_table

_FIRST = 33
"""Bones that are made here take the values of the vertebrae T11 to C1 in turn: any other bone would do."""


def long_bones(rng: np.random.Generator, *, spacing: float = 1.5) -> AnatomyMap:
    """One or two limbs: shafts whose ends widen, one or two side by side, or the many bones of a hand or foot."""
    shape = (int(rng.uniform(110, 230)), 90, 170)
    labels, inside = np.zeros(shape, np.uint8), np.zeros(shape, bool)
    k, j, i = (np.arange(size, dtype=np.float32) for size in shape)
    grids = np.meshgrid(k, j, i, indexing="ij", sparse=True)
    middles = [85.0] if rng.random() < 0.4 else [45.0, 125.0]
    for number, middle in enumerate(middles):
        center = np.array([rng.uniform(0.3, 0.7) * shape[0], 45 + rng.normal(0, 4), middle + rng.normal(0, 5)])
        _limb(labels, inside, grids, center, first=_FIRST + 8 * number, spacing=spacing, rng=rng)
    return prepare_anatomy("limbs", labels, spacing, envelope=inside)


def _limb(
    labels: NDArray[np.uint8],
    inside: NDArray[np.bool_],
    grids: Sequence[NDArray[np.float32]],
    center: NDArray[np.float64],
    *,
    first: int,
    spacing: float,
    rng: np.random.Generator,
) -> None:
    dk, dj, di = (np.float32(spacing) * (grid - np.float32(c)) for grid, c in zip(grids, center, strict=True))
    di = di - np.float32(rng.normal(0, 0.1)) * dk
    dj = dj - np.float32(rng.normal(0, 0.1)) * dk
    girth = rng.uniform(32, 55) * (1 + rng.normal(0, 0.0012) * dk)
    radius = np.hypot(dj, di)
    inside |= radius < girth
    muscular = (radius < 0.85 * girth) & (smooth_noise(labels.shape, 9, rng).numpy() > rng.uniform(-1, 0.2))
    labels[muscular] = MUSCLE
    joint = rng.uniform(0.15, 0.85) * labels.shape[0] * spacing - center[0] * spacing  # mm above the centre
    gap = rng.uniform(2, 5)
    for side, up in ((-1, False), (1, True)):
        beyond = side * (dk - joint) - gap / 2  # mm into this bone from its joint
        bones = int(rng.integers(1, 3))
        if rng.random() < 0.3:
            _small_bones(labels, (beyond, dj, di), first=first + (4 if up else 0), rng=rng)
            continue
        for bone in range(bones):
            shift = (bone - (bones - 1) / 2) * rng.uniform(22, 32)
            size = rng.uniform(6, 12) if bones == 2 else rng.uniform(10, 15)
            flare = size * (1 + rng.uniform(0.6, 1.9) * np.exp(-np.clip(beyond, 0, None) / rng.uniform(10, 25)))
            oval = rng.uniform(0.75, 1.3)
            shaft = np.hypot((dj - rng.normal(0, 5)) * oval, di - shift) < flare
            labels[shaft & (beyond > 0) & (beyond < rng.uniform(150, 420))] = first + 4 * up + bone


def _small_bones(
    labels: NDArray[np.uint8], offsets: tuple[NDArray[np.float32], ...], *, first: int, rng: np.random.Generator
) -> None:
    """Rows of short blocks and rods, as in wrist, hand and foot; ``offsets`` in mm: beyond the joint, back, left."""
    beyond, back, left = offsets
    along, start = rng.uniform(12, 18), 0.0
    for row in range(6):
        length = along * (1 if row < 2 else rng.uniform(1.5, 3.5))
        for ray in range(-2, 3):
            middle = ray * rng.uniform(11, 14)
            half = np.float32(rng.uniform(4, 6.5) * (1 if row < 3 else 0.8))
            taper = half * (0.75 + 0.35 * np.abs(2 * (beyond - start) / length - 1))
            rod = (np.hypot(back - rng.normal(0, 2), left - middle) < taper) & (beyond > start + 1) & (
                beyond < start + length - 1)  # fmt: skip
            labels[rod] = first + (row + ray) % 4
        start += length


def lone_bones(source: AnatomyMap, rng: np.random.Generator, *, size: int = 130) -> AnatomyMap:
    """Ribs, shoulders and thoracic vertebrae of ``source``, cut out, turned any way and strewn in a block of tissue."""
    labels = np.zeros((size, size, size), np.uint8)
    sources = ndimage.find_objects(np.where(target_table()[source.labels] == OTHER_BONE, source.labels, 0))
    present = [value for value, box in enumerate(sources, start=1) if box is not None]
    for number in range(int(rng.integers(3, 9))):
        value = int(rng.choice(present))
        piece = (source.labels[sources[value - 1]] == value).astype(np.uint8)
        turned = _turned(piece, rng)
        corner = (rng.uniform(-0.3, 1, 3) * (size - np.array(turned.shape) * 0.7)).astype(int)
        start, stop = np.maximum(corner, 0), np.minimum(corner + turned.shape, size)
        if (stop > start).all():
            part = turned[tuple(slice(*ends) for ends in zip(start - corner, stop - corner, strict=True))]
            labels[tuple(slice(*ends) for ends in zip(start, stop, strict=True))][part > 0] = _FIRST + number * 2
    j, i = np.ogrid[:size, :size]
    body = np.hypot((j - size / 2) / rng.uniform(0.35, 0.5), (i - size / 2) / rng.uniform(0.4, 0.55)) < size
    body = np.broadcast_to(body, labels.shape).copy()
    muscular = smooth_noise(labels.shape, 10, rng).numpy() > rng.uniform(-0.8, 0.8)
    labels[(labels == 0) & body & muscular] = MUSCLE
    return prepare_anatomy("lone_bones", labels, source.spacing, envelope=body)


def _turned(piece: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A mask rotated any way, and resized a little."""
    matrix = rotation_matrix(rng.uniform(-180, 180, 3)) / rng.uniform(0.7, 1.25)
    corners = np.abs(np.linalg.inv(matrix)) @ piece.shape
    shape = np.ceil(corners).astype(int)
    offset = (np.array(piece.shape) - 1) / 2 - matrix @ ((shape - 1) / 2)
    return ndimage.affine_transform(piece, matrix, offset=offset, output_shape=tuple(shape), order=0)
