"""What lies around the patient: the table, its mattress, an arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.training.synthesis.tissue import OTHER_BONE

AIR_HU = -1000.0
BODY_HU = -300.0
"""What lies above is the patient, before anything is laid around."""


def add_table(ct: NDArray[np.float32], body: NDArray[np.bool_], *, spacing: float, rng: np.random.Generator) -> None:
    """A CT table behind the back, into air (HU, kji of an LPS grid, in place; ``body``: where the patient is).

    As real ones it is a shell: a hollow under the back, half of them with sides that slant to a flat bottom and with
    dense rails where these meet, as bright as bone. Some have a mattress' sheet on top.
    """
    rows = np.flatnonzero(body.any((0, 2)))
    if not rows.size:
        return
    y, x = np.ogrid[: ct.shape[1], : ct.shape[2]]
    y, x = y * spacing, (x - ct.shape[2] / 2) * spacing - rng.normal(0, 15)
    curve, half = rng.uniform(0, 0.0012), rng.uniform(170, 260)
    top = rows.max() * spacing + rng.uniform(2, 25)
    sheet = Shell(spacing=spacing, thickness=rng.uniform(1.5, 5), hu=rng.uniform(-600, 250))
    parts = [sheet.painted(_from_curve(y - top, x, curve, half))]
    if rng.random() < 0.4:
        cover = Shell(spacing=spacing, thickness=rng.uniform(0.5, 2), hu=rng.uniform(-600, 100))
        parts.append(cover.painted(_from_curve(y - top + rng.uniform(3, 20), x, curve * rng.uniform(0.3, 1), half)))
    if rng.random() < 0.5:
        corner, foot, floor = top - curve * half**2, half * rng.uniform(0.4, 0.8), top + rng.uniform(30, 110)
        parts.append(sheet.painted(np.where(np.abs(x) <= foot, np.abs(y - floor), np.inf)))
        rail = Shell(spacing=spacing, thickness=rng.uniform(4, 20), hu=rng.uniform(0, 900))
        for side in (-1, 1):
            parts.append(sheet.painted(_from_line(y, x, (corner, side * half), (floor, side * foot))))
            parts.append(rail.painted(np.hypot(y - corner, x - side * half)))
    painted = np.maximum.reduce(parts)
    free = (ct < -500) & (painted > 0)
    np.copyto(ct, np.maximum(ct, AIR_HU + painted), where=free)


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A sheet of ``thickness`` mm in voxels of ``spacing`` mm, which it may fill in part."""

    spacing: float
    thickness: float
    hu: float

    def painted(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        """HU above air, by the ``distance`` (mm) to the middle of the sheet."""
        share = ((self.thickness + self.spacing) / 2 - distance) / self.spacing
        return np.clip(share, 0, min(1.0, self.thickness / self.spacing)) * (self.hu - AIR_HU)


def _from_curve(y: NDArray, x: NDArray, curve: float, half: float) -> NDArray[np.float64]:
    """mm to y = -curve x2 between -half and half; nearly so, as tables are flat."""
    return np.where(np.abs(x) <= half, np.abs(y + curve * x**2) / np.hypot(1, 2 * curve * x), np.inf)


def _from_line(y: NDArray, x: NDArray, start: tuple[float, float], end: tuple[float, float]) -> NDArray[np.float64]:
    """mm to the line between two points (y, x)."""
    dy, dx = end[0] - start[0], end[1] - start[1]
    along = np.clip(((y - start[0]) * dy + (x - start[1]) * dx) / (dy**2 + dx**2), 0, 1)
    return np.hypot(y - start[0] - along * dy, x - start[1] - along * dx)


def add_arm(
    ct: NDArray[np.float32],
    targets: NDArray[np.uint8],
    body: NDArray[np.bool_],
    *,
    spacing: float,
    rng: np.random.Generator,
) -> None:
    """A forearm beside the trunk: a tube of muscle and skin with one or two bones, labelled as other bone."""
    shape = ct.shape
    columns = np.flatnonzero(body.any((0, 1)))
    if not columns.size:
        return
    left = rng.random() < 0.5
    radius = rng.uniform(25, 45) / spacing
    i0 = columns.max() + radius * rng.uniform(0.6, 1.3) if left else columns.min() - radius * rng.uniform(0.6, 1.3)
    j0 = rng.uniform(0.3, 0.75) * shape[1]
    slope_i, slope_j = rng.normal(0, 0.1), rng.normal(0, 0.2)
    j, i = np.ogrid[: shape[1], : shape[2]]
    bones = [(rng.uniform(-0.4, 0.4) * radius, rng.uniform(-0.4, 0.4) * radius, rng.uniform(5, 9) / spacing)
             for _ in range(rng.integers(1, 3))]  # fmt: skip
    bright, core = rng.uniform(600, 1300), rng.uniform(-50, 300)
    first, last = sorted(rng.integers(0, shape[0], 2))
    for k in range(first, last):
        cj, ci = j0 + slope_j * (k - first), i0 + slope_i * (k - first)
        free = ct[k] < -300
        tube = np.hypot(j - cj, i - ci)
        ct[k][free & (tube < radius)] = -90
        ct[k][free & (tube < radius * 0.8)] = 50
        for dj, di, size in bones:
            distance = np.hypot(j - cj - dj, i - ci - di)
            ct[k][free & (distance < size)] = bright
            ct[k][free & (distance < size * 0.5)] = core
            targets[k][free & (distance < size)] = OTHER_BONE
