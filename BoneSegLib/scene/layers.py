"""The layers of a segmentation: arrays that several segments share, each with its own value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer
from vtk.util.numpy_support import vtk_to_numpy

from BoneSegLib.scene.matrices import image_geometry, to_vtk
from BoneSegLib.scene.segments import binary_labelmap
from BoneSegLib.volume import Geometry


@dataclass(frozen=True)
class Layer:
    """``image`` (vtkOrientedImageData) and, for each segment in it, its id and its value there."""

    image: Any
    values: tuple[tuple[str, int], ...]


def find_layers(node, segment_ids: tuple[str, ...] | None = None) -> list[Layer]:
    """The layers that hold the segments (all for ``None``), made from surfaces where there are no voxels yet."""
    segmentation = node.GetSegmentation()
    if not segmentation.ContainsRepresentation(binary_labelmap()):
        node.CreateBinaryLabelmapRepresentation()
    members: dict[Any, list[tuple[str, int]]] = {}
    for segment_id in segmentation.GetSegmentIDs() if segment_ids is None else segment_ids:
        image = node.GetBinaryLabelmapInternalRepresentation(segment_id)
        if image is not None:
            value = segmentation.GetSegment(segment_id).GetLabelValue()
            members.setdefault(image, []).append((segment_id, value))
    return [Layer(image, tuple(values)) for image, values in members.items()]


def in_world(image, node):
    """A layer in world coordinates: a copy with the node's parent transform applied (resampled where it bends)."""
    if node.GetParentTransformNode() is None:
        return image
    moved = slicer.vtkOrientedImageData()
    moved.DeepCopy(image)
    slicer.vtkSlicerSegmentationsModuleLogic.ApplyParentTransformToOrientedImageData(node, moved)
    return moved


def voxels_on(image, grid: Geometry, *, through=None):
    """The layer's values on a grid (kji): a view where the grids agree, the nearest voxels otherwise.

    ``through``: a transform from the layer's coordinates to the grid's.
    """
    if through is not None or not image_geometry(image).matches(grid):
        target = slicer.vtkOrientedImageData()
        target.SetDimensions(grid.size)
        target.AllocateScalars(image.GetScalarType(), 1)
        target.SetGeometryFromImageToWorldMatrix(to_vtk(grid.ijk_to_ras))
        resampled = slicer.vtkOrientedImageData()
        # Not interpolated, not padded.
        slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
            image, target, resampled, False, False, through
        )
        image = resampled
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(grid.shape)


def own_voxels(image):
    """The layer's values as they are (a view, kji)."""
    return voxels_on(image, image_geometry(image))
