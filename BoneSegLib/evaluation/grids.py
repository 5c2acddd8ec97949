"""A label map read at the voxel centres of another grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from BoneSegLib.volume import Geometry, LabelMap

# Rounding of a point that lies exactly between two voxels must not depend on the last bit of the matrices.
_HALF = 0.5 - 1e-6


def on_grid(labels: LabelMap, geometry: Geometry) -> LabelMap:
    """``labels`` on another grid: each voxel takes the value of the nearest voxel in space, 0 outside the image.

    Goes slice by slice through the box that the labels can reach; any two matrices are allowed. The same grid returns
    the same object.
    """
    if labels.geometry.matches(geometry):
        return labels
    result = np.zeros(geometry.shape, dtype=labels.array.dtype)
    to_source = np.linalg.inv(labels.geometry.ijk_to_ras) @ geometry.ijk_to_ras
    reach = _reach(labels, geometry, np.linalg.inv(to_source))
    if reach is not None:
        if _runs_along_axes(to_source):
            _fill_along_axes(result, labels.array, to_source, reach)
        else:
            _fill(result, labels.array, to_source, reach)
    return replace(labels, array=result, geometry=geometry)


def on_same_lattice(one: Geometry, other: Geometry, *, tolerance: float = 1e-3) -> bool:
    """Whether the voxels of two grids coincide where both have some: the same steps, shifted by whole voxels."""
    between = np.linalg.inv(one.ijk_to_ras) @ other.ijk_to_ras
    drift = np.abs(between[:3, :3] - np.eye(3)).max() * max(other.size)
    shift = between[:3, 3]
    return bool(drift <= tolerance and np.abs(shift - np.rint(shift)).max() <= tolerance)


def inside_share(array: np.ndarray, geometry: Geometry, other: Geometry) -> float:
    """The share of the voxels of ``array`` that are not 0 whose centre lies within the image ``other``; 1 if none."""
    to_other = np.linalg.inv(other.ijk_to_ras) @ geometry.ijk_to_ras
    total = inside = 0
    for k, plane in enumerate(array):
        j, i = np.nonzero(plane)
        total += len(i)
        places = _nearest(to_other, i, j, np.full(len(i), k))
        inside += int(np.count_nonzero(_within(places, other.size)))
    return inside / total if total else 1.0


def _reach(labels: LabelMap, geometry: Geometry, to_target: np.ndarray) -> tuple[slice, slice, slice] | None:
    """The kji box of the target grid around all that is not 0 in the source."""
    planes = np.flatnonzero(labels.array.any(axis=(1, 2)))
    if not len(planes):
        return None
    part = labels.array[planes[0] : planes[-1] + 1]
    rows, columns = np.flatnonzero(part.any(axis=(0, 2))), np.flatnonzero(part.any(axis=(0, 1)))
    first = np.array([columns[0], rows[0], planes[0]]) - 0.5
    last = np.array([columns[-1], rows[-1], planes[-1]]) + 0.5
    corners = np.array([[(first, last)[n >> axis & 1][axis] for axis in range(3)] for n in range(8)])
    reached = corners @ to_target[:3, :3].T + to_target[:3, 3]
    low = np.clip(np.floor(reached.min(axis=0)), 0, geometry.size).astype(int)
    high = np.clip(np.ceil(reached.max(axis=0)) + 1, 0, geometry.size).astype(int)
    if (high <= low).any():
        return None
    return slice(low[2], high[2]), slice(low[1], high[1]), slice(low[0], high[0])


def _runs_along_axes(matrix: np.ndarray) -> bool:
    """Whether each axis of one grid is parallel to one of the other (spacing, flips and permutations only)."""
    part = np.abs(matrix[:3, :3])
    return bool((np.count_nonzero(part > 1e-9 * part.max(), axis=0) == 1).all())


def _fill_along_axes(result: np.ndarray, source: np.ndarray, matrix: np.ndarray, reach) -> None:
    """As `_fill`, with one index list for each axis instead of one for each voxel."""
    target_axis = np.abs(matrix[:3, :3]).argmax(axis=1)  # for each source axis i, j, k the target axis it follows
    pick: list[np.ndarray] = [np.empty(0, dtype=int)] * 3
    keep = list(reach)
    for axis in range(3):
        along = int(target_axis[axis])
        span = reach[2 - along]
        steps = np.arange(span.start, span.stop)
        places = np.floor(matrix[axis, along] * steps + matrix[axis, 3] + _HALF).astype(int)
        valid = np.flatnonzero((places >= 0) & (places < source.shape[2 - axis]))
        if not len(valid):
            return
        keep[2 - along] = slice(span.start + valid[0], span.start + valid[-1] + 1)
        pick[axis] = places[valid]
    for number, k in enumerate(range(keep[0].start, keep[0].stop)):
        chosen = [pick[2], pick[1], pick[0]]  # kji of the source
        for axis in range(3):
            if target_axis[axis] == 2:
                chosen[2 - axis] = chosen[2 - axis][number : number + 1]
        block = source[np.ix_(*chosen)]
        order = [2 - int(np.flatnonzero(target_axis == 2 - axis)[0]) for axis in range(3)]
        result[k, keep[1], keep[2]] = block.transpose(order)[0]


def _fill(result: np.ndarray, source: np.ndarray, matrix: np.ndarray, reach) -> None:
    """Read ``source`` (kji) at the voxels of ``result`` within ``reach``; ``matrix`` takes target to source ijk."""
    size = source.shape[::-1]
    j, i = np.meshgrid(*(np.arange(span.start, span.stop) for span in reach[1:]), indexing="ij")
    for k in range(reach[0].start, reach[0].stop):
        places = _nearest(matrix, i, j, np.full(i.shape, k))
        valid = _within(places, size)
        plane = result[k, reach[1], reach[2]]
        plane[valid] = source[tuple(places[axis][valid] for axis in (2, 1, 0))]


def _nearest(matrix: np.ndarray, i: np.ndarray, j: np.ndarray, k: np.ndarray) -> list[np.ndarray]:
    """Source indices i, j, k of the voxels nearest to target indices."""
    return [np.floor(row[0] * i + row[1] * j + row[2] * k + (row[3] + _HALF)).astype(np.int64) for row in matrix[:3]]


def _within(places: list[np.ndarray], size: tuple[int, ...]) -> np.ndarray:
    valid = np.ones(places[0].shape, dtype=bool)
    for place, n in zip(places, size, strict=True):
        valid &= (place >= 0) & (place < n)
    return valid
