"""Where a comparison looks: inside a mask, a region of interest, the field that both images show."""

from __future__ import annotations

import numpy as np
import vtk

from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.grids import on_grid
from BoneSegLib.scene.comparison_segments import segments_of
from BoneSegLib.scene.comparison_voxels import NodeVoxels, read_voxels
from BoneSegLib.scene.comparison_world import world_matrix
from BoneSegLib.scene.matrices import to_numpy
from BoneSegLib.volume import Geometry, LabelMap

ROUNDING_MM = 1e-6


def mask_region(node, grid: Geometry) -> np.ndarray:
    """Voxels (kji, bool) of ``grid`` (world) that lie in any segment of a segmentation or label map node."""
    segments = segments_of(node)
    labels, _shared = read_voxels(node, segments).labels({segment.id: 1 for segment in segments}, grid)
    return labels != 0


def roi_region(node, grid: Geometry) -> np.ndarray:
    """Voxels (kji, bool) of ``grid`` (world) whose centres lie in a markups ROI, turned and moved as it is.

    Raises `InputError` for another node, and for a ROI under a transform that bends.
    """
    if node is None or not node.IsA("vtkMRMLMarkupsROINode"):
        raise InputError("This is no region of interest.", remedy="Choose a ROI of the Markups module.")
    to_world = world_matrix(node)
    if to_world is None:
        raise InputError(
            f"The ROI '{node.GetName()}' lies under a transform that bends.", remedy="Take it out of the transform."
        )
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(node.GetObjectToNodeMatrix())
    size = node.GetSize()
    from_ijk = np.linalg.inv(to_world @ to_numpy(matrix)) @ grid.ijk_to_ras
    j, i = np.meshgrid(np.arange(grid.size[1]), np.arange(grid.size[0]), indexing="ij")
    inside = np.ones(grid.shape, dtype=bool)
    for k, plane in enumerate(inside):
        for row, length in zip(from_ijk[:3], size, strict=True):
            plane &= np.abs(row[0] * i + row[1] * j + (row[2] * k + row[3])) <= length / 2 + ROUNDING_MM
    return inside


def common_region(sides: tuple[NodeVoxels, NodeVoxels], grid: Geometry) -> np.ndarray:
    """Voxels (kji, bool) of ``grid`` (world) that both images show.

    A segmentation's image is the grid that it notes; without one it is the box that its voxels are stored in.
    """
    inside = np.ones(grid.shape, dtype=bool)
    for side in sides:
        field = side.field or side.grid
        if field is not None and not field.matches(grid):
            inside &= on_grid(LabelMap(np.ones(field.shape, np.uint8), field, ()), grid).array != 0
    return inside


def limited(
    grid: Geometry,
    sides: tuple[NodeVoxels, NodeVoxels],
    *,
    given: LabelMap | None = None,
    mask_node=None,
    roi_node=None,
    common_field: bool = False,
) -> tuple[LabelMap | None, tuple[str, ...]]:
    """All limits in one mask on ``grid`` (``None`` without any), and remarks that name them.

    ``given``: a mask on any grid, in world coordinates. Raises `InputError` when the limits leave nothing.
    """
    regions, remarks = [], []
    if given is not None:
        regions.append(on_grid(given, grid).array != 0)
    if mask_node is not None:
        regions.append(mask_region(mask_node, grid))
        remarks.append(f"Only inside the mask '{mask_node.GetName()}'.")
    if roi_node is not None:
        regions.append(roi_region(roi_node, grid))
        remarks.append(f"Only inside the ROI '{roi_node.GetName()}'.")
    if common_field:
        regions.append(common_region(sides, grid))
        remarks.append("Only where both images lie.")
    if not regions:
        return None, ()
    region = np.logical_and.reduce(regions)
    if not region.any():
        raise InputError(
            "There is nothing left to compare.",
            cause="The mask, the ROI or the common field leave no voxel of the reference.",
            remedy="Check where they lie, and their transforms.",
        )
    return LabelMap(region.astype(np.uint8), grid, ()), tuple(remarks)
