"""The line through the middle of the vertebral bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHORTEST_MM = 50.0
"""Less of a spine tells nothing of where it goes."""
_BODY_RADIUS_MM = 8.0
"""Only a body is that far from the outline of a slice's bone; arches and processes are thinner."""
_BEYOND_MM = 30.0


@dataclass(frozen=True, eq=False)
class SpineAxis:
    """``points`` (n, 3) and unit ``tangents`` (n, 3), mm along k, j, i from the first voxel's middle, a mm apart."""

    points: Floats
    tangents: Floats

    @property
    def positions(self) -> Floats:
        """Arc length of each point in mm."""
        return np.arange(len(self.points), dtype=np.float64)

    @property
    def ahead(self) -> Floats:
        """(n, 3) unit vectors across the axis, to the front."""
        across = np.cross(self.tangents, [0.0, 0.0, 1.0])
        return across / np.linalg.norm(across, axis=1, keepdims=True)

    @property
    def aside(self) -> Floats:
        """(n, 3) unit vectors across the axis, to the right."""
        return np.cross(self.tangents, self.ahead)

    def across(self, radius: float, step: float = 3.0) -> Floats:
        """Points of a round plate across the axis at each of its points: (n, plate, 3) in mm."""
        steps = np.arange(-radius, radius + step / 2, step)
        a, b = (grid.ravel() for grid in np.meshgrid(steps, steps))
        inside = a**2 + b**2 <= (radius + 0.5) ** 2
        a, b = a[inside, None], b[inside, None]
        return self.points[:, None] + self.ahead[:, None] * a + self.aside[:, None] * b

    def position_of(self, places: Floats) -> Floats:
        """Arc length of the plate on which each of ``places`` (m, 3; mm) lies."""
        position = np.interp(places[:, 0], self.points[:, 0], self.positions)
        for _ in range(3):
            ahead = np.einsum("mc,mc->m", places - self.at(self.points, position), self.at(self.tangents, position))
            position = np.clip(position + 0.8 * np.clip(ahead, -20, 20), 0, len(self.points) - 1)
        return position

    def at(self, values: Floats, position: Floats) -> Floats:
        """``values`` (n, 3) of the axis at arc lengths ``position`` (m,): (m, 3)."""
        return np.stack([np.interp(position, self.positions, column) for column in values.T], axis=1)


def spine_axis(vertebrae: NDArray[np.bool_], spacing: tuple[float, float, float]) -> SpineAxis | None:
    """The axis of a mask of vertebrae (kji), or None where too little of them is seen; ``spacing`` kji in mm."""
    middles = _middles(vertebrae, spacing)
    if len(middles) < 8 or np.ptp(middles[:, 0]) < SHORTEST_MM:
        return None
    heights = np.arange(middles[0, 0] - _BEYOND_MM, middles[-1, 0] + _BEYOND_MM, 0.5)
    curve = np.stack([heights, *(_bend(middles, axis, heights) for axis in (1, 2))], axis=1)
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    even = np.arange(0.0, lengths[-1], 1.0)
    points = np.stack([np.interp(even, lengths, column) for column in curve.T], axis=1)
    tangents = np.gradient(points, axis=0)
    return SpineAxis(points, tangents / np.linalg.norm(tangents, axis=1, keepdims=True))


def _middles(vertebrae: NDArray[np.bool_], spacing: tuple[float, float, float]) -> Floats:
    """Middle of the body in each slice that shows one: (m, 3) in mm."""
    from scipy import ndimage

    found = []
    columns = vertebrae.any(0)
    if not columns.any():
        return np.empty((0, 3))
    (box,) = ndimage.find_objects(columns.astype(np.uint8))
    for level in np.flatnonzero(vertebrae.any((1, 2))):
        depth = ndimage.distance_transform_edt(np.pad(vertebrae[level][box], 1), sampling=spacing[1:])[1:-1, 1:-1]
        if depth.max() < _BODY_RADIUS_MM:
            continue
        weight = np.clip(depth - 0.75 * depth.max(), 0, None)
        j, i = np.nonzero(weight)
        share = weight[j, i] / weight[j, i].sum()
        found.append((level * spacing[0], ((j + box[0].start) * share).sum() * spacing[1],
                      ((i + box[1].start) * share).sum() * spacing[2]))  # fmt: skip
    return np.array(found).reshape(-1, 3)


def _bend(middles: Floats, axis: int, heights: Floats) -> Floats:
    """A cubic through the middles, without those far from it; straight on beyond their ends."""
    level, value = middles[:, 0], middles[:, axis]
    origin, scale = level.mean(), np.ptp(level)
    keep = np.ones(len(level), dtype=bool)
    for _ in range(4):
        cubic = np.polynomial.Polynomial.fit(level[keep], value[keep], 3, domain=[origin - scale, origin + scale])
        away = np.abs(cubic(level) - value)
        keep = away <= max(4.0, 1.5 * float(np.median(away)))
    inside = np.clip(heights, level[0], level[-1])
    return cubic(inside) + (heights - inside) * cubic.deriv()(inside)
