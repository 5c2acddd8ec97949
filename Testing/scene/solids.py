"""A solid known by a formula in world coordinates, and images and label maps of it on any grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from BoneSegLib.volume import Geometry

Placing = Callable[[np.ndarray], np.ndarray]
"""Takes (n, 3) points in a volume's own RAS to the world, as a parent transform does."""


def in_place(points: np.ndarray) -> np.ndarray:
    return points


@dataclass(frozen=True)
class Solid:
    """Two blocks along the world's axes, one upon the other's left front: no mirror leaves the whole as it is.

    Blocks, since a flat face is met by voxels of any grid to half a voxel, and the tip of an ellipsoid is not.
    """

    center: tuple[float, float, float] = (9.0, -14.0, 22.0)

    def contains(self, world: np.ndarray) -> np.ndarray:
        points = world - np.asarray(self.center)
        return np.any([np.all((points > low) & (points < high), axis=1) for low, high in _BLOCKS], axis=0)

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner in the world, mm."""
        lows, highs = np.array(_BLOCKS).transpose(1, 0, 2)
        return lows.min(axis=0) + self.center, highs.max(axis=0) + self.center

    @property
    def volume(self) -> float:
        return float(sum(sign * np.prod(high - low) for sign, low, high in _parts()))

    @property
    def centroid(self) -> np.ndarray:
        moment = sum(sign * np.prod(high - low) * (low + high) / 2 for sign, low, high in _parts())
        return moment / self.volume + self.center


_BLOCKS = (
    ((-16.13, -10.27, -8.31), (15.9, 10.11, 8.17)),
    ((-22.37, -2.71, 1.13), (-9.71, 19.23, 12.41)),
)


def _parts():
    """The blocks, and their overlap with a minus."""
    (low1, high1), (low2, high2) = np.array(_BLOCKS)
    return ((1, low1, high1), (1, low2, high2), (-1, np.maximum(low1, low2), np.minimum(high1, high2)))


def grid_around(solid: Solid, axes: np.ndarray, spacing, *, place: Placing = in_place) -> Geometry:
    """A grid with these axes (columns) and spacing, large enough for the solid, in the coordinates before ``place``.

    ``place`` must be near the identity or linear: the grid is found by searching where the solid comes from.
    """
    low, high = solid.box
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    local = _before(place, corners)
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(axes) * np.asarray(spacing)
    ijk = local @ np.linalg.inv(matrix[:3, :3]).T
    start = np.floor(ijk.min(axis=0)) - 2
    size = np.ceil(ijk.max(axis=0)) + 3 - start
    matrix[:3, 3] = matrix[:3, :3] @ start
    return Geometry((int(size[0]), int(size[1]), int(size[2])), matrix)


def world_points(geometry: Geometry, place: Placing = in_place) -> np.ndarray:
    """(n, 3) world positions of all voxels, in kji order."""
    k, j, i = np.indices(geometry.shape).reshape(3, -1)
    return place(np.stack([i, j, k], axis=1) @ geometry.ijk_to_ras[:3, :3].T + geometry.ijk_to_ras[:3, 3])


def image_of(solid: Solid, geometry: Geometry, dtype, *, place: Placing = in_place) -> np.ndarray:
    """Bone of 700 HU in soft tissue of 40 (kji)."""
    inside = solid.contains(world_points(geometry, place)).reshape(geometry.shape)
    return np.where(inside, 700, 40).astype(dtype)


def assert_in_place(mask: np.ndarray, geometry: Geometry, solid: Solid, *, place: Placing = in_place) -> None:
    """The mask's centroid and box agree with the solid's to half a voxel.

    The box along each world axis; the centroid by the longest, since thick slices cut a block short or long.
    """
    points = world_points(geometry, place)[mask.ravel() > 0]
    assert len(points), "nothing was found"
    voxel = _voxel_extent(geometry, place)
    low, high = solid.box
    assert np.all(np.abs(points.mean(axis=0) - solid.centroid) <= 0.5 * voxel.max())
    # The outermost centres lie up to a voxel inside the surface: half a voxel about the voxel's middle.
    slack = 0.5 * voxel + 1e-3
    assert np.all(np.abs(points.min(axis=0) - 0.5 * voxel - low) <= slack), (points.min(axis=0), low)
    assert np.all(np.abs(points.max(axis=0) + 0.5 * voxel - high) <= slack), (points.max(axis=0), high)


def _voxel_extent(geometry: Geometry, place: Placing) -> np.ndarray:
    """How far a voxel reaches along each world axis, at the solid."""
    middle = geometry.corners().mean(axis=0)
    steps = middle + geometry.ijk_to_ras[:3, :3].T
    moved = place(np.vstack([middle[None], steps]))
    return np.abs(moved[1:] - moved[0]).sum(axis=0)


def _before(place: Placing, world: np.ndarray) -> np.ndarray:
    """Where ``place`` takes points from: by fixed-point iteration, on the affine part found by differences."""
    origin = place(np.zeros((1, 3)))[0]
    linear = (place(np.eye(3)) - origin).T
    back = np.linalg.inv(linear)
    local = (world - origin) @ back.T
    for _step in range(30):
        local = local + (world - place(local)) @ back.T
    return local
