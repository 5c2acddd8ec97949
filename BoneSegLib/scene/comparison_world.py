"""Grids in world coordinates, where nodes under different transforms meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import vtk

from BoneSegLib.scene.matrices import to_numpy
from BoneSegLib.volume import Geometry


def world_matrix(node) -> np.ndarray | None:
    """The 4x4 matrix from the node's own coordinates to the world's; ``None`` where its parent transform bends."""
    parent = node.GetParentTransformNode()
    if parent is None:
        return np.eye(4)
    if not parent.IsTransformToWorldLinear():
        return None
    matrix = vtk.vtkMatrix4x4()
    parent.GetMatrixTransformToWorld(matrix)
    return to_numpy(matrix)


def moved_grid(grid: Geometry, matrix: np.ndarray) -> Geometry:
    """The same voxels after a 4x4 matrix; nothing is resampled."""
    return Geometry(grid.size, matrix @ grid.ijk_to_ras)


def enclosing_grid(grids: Sequence[Geometry]) -> Geometry:
    """The first grid, extended by whole voxels until it holds the voxel centres of all."""
    first = grids[0]
    to_first = np.linalg.inv(first.ijk_to_ras)
    ijk = np.vstack([grid.corners() for grid in grids]) @ to_first[:3, :3].T + to_first[:3, 3]
    # A thousandth of a voxel is rounding.
    low, high = np.floor(ijk.min(axis=0) + 1e-3), np.ceil(ijk.max(axis=0) - 1e-3)
    start = np.eye(4)
    start[:3, 3] = low
    ni, nj, nk = (high - low + 1).astype(int)
    return Geometry((int(ni), int(nj), int(nk)), first.ijk_to_ras @ start)
