"""Heads for the negatives: a skull, jaws and teeth on a neck, above the shoulders of an anatomy map.

No map at hand reaches above the shoulders, and a network that never saw a head finds a pelvis in it. This head is
geometry, not anatomy: shells, arches and a small spine that share with a real one what misleads a network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap, prepare_anatomy
from BoneSegLib.training.synthesis.noise import smooth_noise
from BoneSegLib.training.synthesis.tissue import (
    HUMERI,
    MUSCLE,
    SKULL,
    SPINAL_CORD,
    THYROID,
    TOOTH,
    TRACHEA,
    VERTEBRA_C1,
    VERTEBRA_C7,
)

_ABOVE_MM = 290.0


def head_and_neck(source: AnatomyMap, rng: np.random.Generator) -> AnatomyMap:
    """A map of shoulders, neck and head: the top of ``source``, which must reach the humeri, and what is made here.

    Raises ValueError where the map ends below the shoulders (see `has_shoulders`).
    """
    if not has_shoulders(source):
        raise ValueError(f"The map '{source.name}' ends below the shoulders.")
    labels, base = _shoulders(source)
    canvas = _Canvas(labels, np.zeros(labels.shape, bool), source.spacing, rng)
    neck = _neck(canvas, source, base)
    _skull(canvas, neck)
    return prepare_anatomy(f"head_{source.name}", canvas.labels, source.spacing, envelope=canvas.inside)


def has_shoulders(source: AnatomyMap) -> bool:
    """Whether a map reaches high enough to carry a head."""
    return bool(np.isin(source.labels[-12:], HUMERI).any() or (source.labels[-12:] == VERTEBRA_C7).any())


@dataclass(frozen=True)
class _Canvas:
    """Arrays that are painted on, in kji order; positions in voxels, sizes in mm."""

    labels: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    spacing: float
    rng: np.random.Generator

    def offsets(self, center: NDArray[np.float64]) -> tuple[NDArray[np.float32], ...]:
        """Distances in mm from ``center`` (voxels, kji) along k, j and i, for broadcasting."""
        grids = np.ogrid[tuple(slice(0, size) for size in self.labels.shape)]
        return tuple(
            (self.spacing * (grid - middle)).astype(np.float32) for grid, middle in zip(grids, center, strict=True)
        )

    def noise(self, length_mm: float) -> NDArray[np.float32]:
        """A smooth random field, about unit variance."""
        return smooth_noise(self.labels.shape, length_mm / self.spacing, self.rng).numpy()

    def paint(self, mask: NDArray[np.bool_], value: int, *, over: bool = True) -> None:
        """``over``: also where something is painted already."""
        self.labels[mask if over else mask & (self.labels == 0)] = value


def _shoulders(source: AnatomyMap) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The top of the map with room above, and the voxel where its highest vertebra ends."""
    spine = (source.labels >= 41) & (source.labels <= VERTEBRA_C1)  # from T3 up
    levels = np.flatnonzero(spine.any((1, 2)))
    top = int(levels.max())
    first = max(0, int(levels.min()) - 20)
    kept = source.labels[first : top + 1]
    room = round(_ABOVE_MM / source.spacing)
    sides = [max(0, 150 - kept.shape[1]), max(0, 150 - kept.shape[2])]
    labels = np.pad(kept, ((0, room), (sides[0] // 2, sides[0] // 2), (sides[1] // 2, sides[1] // 2)))
    highest = np.argwhere((labels >= 41) & (labels <= VERTEBRA_C1))
    ends = highest[highest[:, 0] > highest[:, 0].max() - 4]
    return np.ascontiguousarray(labels), np.array([top - first, np.median(ends[:, 1]), np.median(ends[:, 2])])


def _neck(canvas: _Canvas, source: AnatomyMap, base: NDArray[np.float64]) -> NDArray[np.float64]:
    """A small spine in a column of muscle with an airway before it; returns the voxel on top of the spine."""
    rng, spacing = canvas.rng, canvas.spacing
    column, height = _small_spine(source, rng)
    lean = np.array([0.0, rng.normal(-0.12, 0.15), rng.normal(0, 0.05)])  # j shift a level: forward
    for level in range(column.shape[0]):
        corner = np.round(base + lean * level)[1:].astype(int) - np.array(column.shape[1:]) // 2
        _paste(canvas.labels[int(base[0]) - 2 + level], column[level], corner)
    top = base + lean * height + [height, 0, 0]
    dk, dj, di = canvas.offsets(base)
    dj, di = dj - np.float32(lean[1]) * dk, di - np.float32(lean[2]) * dk
    flare = 1 + np.clip((15 - dk) / 50, 0, 1.6)  # wider where it meets the shoulders
    radius_i, radius_j = rng.uniform(48, 68), rng.uniform(48, 66)
    ahead = rng.uniform(15, 28)
    within = np.hypot((dj + ahead) / radius_j, di / (radius_i * flare)) < 1
    reach = (dk > -25) & (dk < height * spacing + 20)
    canvas.inside[:] |= within & reach
    muscular = np.hypot((dj - 12) / 42, di / 50) < rng.uniform(0.8, 1.1)
    canvas.paint(muscular & within & reach & (canvas.noise(12) > rng.uniform(-1.2, -0.4)), MUSCLE, over=False)
    airway = np.hypot((dj + ahead + 18) / rng.uniform(7, 13), di / rng.uniform(7, 14)) < 1
    canvas.paint(airway & (dk > -40) & reach, TRACHEA, over=False)
    gland = np.hypot((dj + ahead + 14) / 14, (np.abs(di) - 18) / 9) < 1
    canvas.paint(gland & (np.abs(dk - 20) < 22), THYROID, over=False)
    return top


def _small_spine(source: AnatomyMap, rng: np.random.Generator) -> tuple[NDArray[np.uint8], int]:
    """Seven thoracic vertebrae of the map, made as small as cervical ones and called so; and their height in voxels."""
    lowest = int(rng.integers(32, 37))
    chosen = np.arange(lowest, lowest + 7)
    values = np.zeros(256, np.uint8)
    values[chosen] = np.arange(VERTEBRA_C7, VERTEBRA_C1 + 1)
    values[SPINAL_CORD] = SPINAL_CORD
    spine = values[source.labels]
    bones = (spine >= VERTEBRA_C7) & (spine <= VERTEBRA_C1)
    levels = np.flatnonzero(bones.any((1, 2)))
    straight = np.stack([_centered(spine[level], bones[level]) for level in range(levels.min(), levels.max() + 1)])
    height = rng.uniform(100, 138) / (len(straight) * source.spacing)
    small = ndimage.zoom(straight, [height, rng.uniform(0.5, 0.72), rng.uniform(0.62, 0.95)], order=0)
    return small, small.shape[0]


def _centered(level: NDArray[np.uint8], bone: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The 60 voxels around the spine of a level, so that a curved spine becomes straight."""
    middle = np.argwhere(bone).mean(0).round().astype(int) if bone.any() else np.array(level.shape) // 2
    part = np.zeros((60, 60), np.uint8)
    _paste(part, level, 30 - middle)
    return part


def _paste(level: NDArray[np.uint8], part: NDArray[np.uint8], corner: NDArray[np.int_]) -> None:
    """``part`` into ``level`` (both ji) with its first voxel at ``corner``; zeros leave what was there."""
    start, stop = np.maximum(corner, 0), np.minimum(corner + part.shape, level.shape)
    if (stop <= start).any():
        return
    target = level[start[0] : stop[0], start[1] : stop[1]]
    piece = part[tuple(slice(a - c, b - c) for a, b, c in zip(start, stop, corner, strict=True))]
    target[piece > 0] = piece[piece > 0]


def _skull(canvas: _Canvas, neck: NDArray[np.float64]) -> None:
    """Brain case, its base, face, jaws with teeth; the neck's top is where the spine enters."""
    rng, spacing = canvas.rng, canvas.spacing
    half = np.array([rng.uniform(62, 76), rng.uniform(82, 98), rng.uniform(66, 80)])
    dk, dj, di = canvas.offsets(neck + np.array([half[0] - 6, -rng.uniform(12, 26), 0]) / spacing)
    rho = np.sqrt((dk / half[0]) ** 2 + (dj / half[1]) ** 2 + (di / half[2]) ** 2)
    inward = (1 - rho) * np.float32(half.mean())  # about mm below the outer surface
    thickness = rng.uniform(3.5, 6.5) * np.exp(0.35 * canvas.noise(25))
    thickness = thickness + np.clip(-dk / half[0] - 0.45, 0, 1) * rng.uniform(8, 20)  # thick and uneven at the base
    shell = (inward > 0) & (inward < thickness)
    hole = (np.hypot(dj - rng.uniform(12, 26), di) < rng.uniform(13, 19)) & (dk < 0)
    brain = inward >= thickness
    canvas.inside[:] |= inward > -rng.uniform(3, 8)
    canvas.paint(brain, MUSCLE)
    canvas.paint(shell & ~hole, SKULL)
    petrous = (np.abs(dk + 0.62 * half[0]) < 12) & (np.abs(dj - np.abs(di) * 0.5 + 5) < 11) & (np.abs(di) > 16)
    canvas.paint(petrous & (inward > 0), SKULL)
    _air_cells(canvas, (inward > 0) & (inward < 22) & (dk < -0.45 * half[0]) & (np.abs(di) > 0.55 * half[2]))
    _face(canvas, (dk + half[0], dj + half[1], di), half)


def _air_cells(canvas: _Canvas, region: NDArray[np.bool_]) -> None:
    """Foam of bone and air, as in the mastoid."""
    canvas.paint(region & (canvas.noise(5) > canvas.rng.uniform(0.2, 0.8)), TRACHEA)


def _face(canvas: _Canvas, offsets: tuple[NDArray[np.float32], ...], half: NDArray[np.float64]) -> None:
    """Orbits, sinuses, palate, jaws and teeth. ``offsets``: mm above the skull's base, behind its front, left."""
    rng = canvas.rng
    up, back, left = offsets
    side = np.abs(left)
    mid = rng.uniform(-8, 8)
    cheeks = 58 - 0.35 * np.clip(20 - up, 0, 80)
    front = 4 + 0.004 * side**2
    block = (np.abs(up - mid) < 46) & (side < cheeks) & (back > front) & (back < 62)
    canvas.inside[:] |= (np.abs(up - mid) < 52) & (side < cheeks + 6) & (back > front - 6) & (back < 68)
    orbit = np.sqrt(((up - mid - 28) / 19) ** 2 + ((back - 22) / 26) ** 2 + ((side - 32) / 19) ** 2)
    sinus = np.sqrt(((up - mid - 2) / 19) ** 2 + ((back - 32) / 19) ** 2 + ((side - 27) / 15) ** 2)
    nose = (np.abs(up - mid + 2) < 24) & (side < 15) & (back < 58) & (back > 2)
    wall = rng.uniform(2.2, 3.6)
    canvas.paint(block & ((np.abs(orbit - 1) * 19 < wall) | (np.abs(sinus - 1) * 16 < wall)), SKULL)
    canvas.paint(block & (orbit < 1) & (np.abs(orbit - 1) * 19 >= wall), THYROID)
    canvas.paint(block & (sinus < 1) & (np.abs(sinus - 1) * 16 >= wall), TRACHEA)
    canvas.paint(nose, TRACHEA)
    canvas.paint(nose & ((np.abs(canvas.noise(9)) < 0.25) | (side < 1.6)), SKULL)
    cheek = (np.abs(up - mid - 8) < 5) & (np.abs(np.hypot(back - 75, side) - 66) < 3) & (back < 85)
    canvas.paint(cheek, SKULL)
    canvas.inside[:] |= (np.abs(up - mid - 8) < 40) & (np.hypot(back - 75, side) < 74) & (back > 10) & (back < 110)
    _jaws(canvas, up - mid, back, side)


def _jaws(canvas: _Canvas, up: NDArray[np.float32], back: NDArray[np.float32], side: NDArray[np.float32]) -> None:
    """Palate and mandible as parabolic arches, their teeth, the rami; tongue and lips around. All in mm."""
    rng = canvas.rng
    width, bite, opening = rng.uniform(0.022, 0.034), -rng.uniform(40, 46), rng.uniform(0, 12)
    arch = back - 10 - width * side**2  # 0 on the front of the arch, grows backwards
    in_arch = (back > 5) & (back < 62)
    canvas.inside[:] |= (arch > -7) & (back < 95) & (up < -10) & (up > bite - opening - 38) & (side < 58)
    near = np.abs(arch - 5) / np.sqrt(1 + (2 * width * side) ** 2)
    upper = (near < 6) & (up > bite + 8) & (up < bite + 24)
    palate = (arch > 4) & (np.abs(up - bite - 21) < 2.2) & (back < 58)
    canvas.paint(in_arch & (upper | palate), SKULL)
    lower_top = bite - opening - 8
    lower = (near < rng.uniform(5.5, 7.5)) & (up < lower_top) & (up > lower_top - rng.uniform(20, 30))
    canvas.paint(in_arch & lower, SKULL)
    slope = up - (back - 60) * rng.uniform(0.05, 0.3)
    ramus = (np.abs(side - 43 - 0.05 * back) < rng.uniform(3.5, 5.5)) & (np.abs(back - 66) < 15)
    canvas.paint(ramus & (slope > lower_top - 22) & (slope < 2), SKULL)
    tongue = np.sqrt(((up - bite + 8) / 24) ** 2 + ((back - 45) / 30) ** 2 + (side / 24) ** 2) < 1
    canvas.paint(tongue, MUSCLE, over=False)
    canvas.paint((side < 9) & (np.abs(back - 72) < 8) & (up < 0) & (up > -105), TRACHEA, over=False)  # pharynx
    along = side + 0.02 * np.clip(back, 0, None) ** 1.3
    crowns = (np.mod(along, 8.0) > 1.4) & (near < 4.2) & in_arch & (canvas.noise(9) > -1.4)
    canvas.paint(crowns & (up <= bite + 8) & (up > bite - 1), TOOTH)
    canvas.paint(crowns & (up < bite - opening + 1) & (up >= lower_top), TOOTH)
