"""The voxels of a segmentation or label map node in world coordinates, without touching the node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import slicer

from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.grids import on_grid, on_same_lattice
from BoneSegLib.scene.comparison_segments import NodeSegment
from BoneSegLib.scene.comparison_world import enclosing_grid, moved_grid, world_matrix
from BoneSegLib.scene.layers import Layer, find_layers, in_world, own_voxels
from BoneSegLib.scene.matrices import image_geometry, node_geometry, to_vtk
from BoneSegLib.scene.segments import binary_labelmap
from BoneSegLib.volume import Geometry, LabelMap


@dataclass(frozen=True, eq=False)
class WorldLayer:
    """``voxels`` (kji, a view) on ``grid`` (world RAS mm), and for each segment in them its id and value."""

    voxels: np.ndarray
    grid: Geometry
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
class NodeVoxels:
    """All layers of a node; ``field`` is the grid of the image that it was made on, where that is known.

    ``remarks``: what reading it had to change.
    """

    name: str
    layers: tuple[WorldLayer, ...]
    field: Geometry | None
    remarks: tuple[str, ...] = ()

    @property
    def grid(self) -> Geometry | None:
        """The voxels' own grid, extended to all layers and to the field; ``None`` without voxels and field.

        Where field and voxels do not share a lattice the voxels' is taken, so that they are not resampled.
        """
        grids = [layer.grid for layer in self.layers]
        if self.field is not None and (not grids or on_same_lattice(self.field, grids[0])):
            grids.insert(0, self.field)
        return enclosing_grid(grids) if grids else None

    def labels(self, label_of: Mapping[str, int], grid: Geometry) -> tuple[np.ndarray, int]:
        """Labels (kji) of these segments on ``grid``, and how many voxels lie in several segments at once.

        In those the segment of the later layer wins.
        """
        highest = max(label_of.values(), default=0)
        labels = np.zeros(grid.shape, np.uint8 if highest < 256 else np.int32)
        shared = 0
        empty = True
        for layer in self.layers:
            wanted = [(label_of[segment], value) for segment, value in layer.values if segment in label_of]
            if wanted:
                voxels = on_grid(LabelMap(layer.voxels, layer.grid, ()), grid).array
                shared += _put(labels, voxels, wanted, empty=empty)
                empty = False
        return labels, shared


def _put(labels: np.ndarray, voxels: np.ndarray, wanted: list[tuple[int, int]], *, empty: bool) -> int:
    """Writes the (label, value) pairs of a layer into ``labels``; returns how many voxels had a label already."""
    last = max(value for _label, value in wanted) + 1
    table = np.zeros(last + 1, labels.dtype)
    for label, value in wanted:
        table[value] = label
    # The table ends with a 0 for all values beyond it ("clip"), and this way of looking up is the fastest.
    shared = 0
    for plane, found in zip(labels, voxels, strict=True):
        new = table.take(found, mode="clip")
        if empty:
            plane[...] = new
        else:
            shared += int(np.count_nonzero((plane != 0) & (new != 0)))
            np.copyto(plane, new, where=new != 0)
    return shared


def read_voxels(node, segments: tuple[NodeSegment, ...], *, world: bool = True) -> NodeVoxels:
    """The voxels of a node whose ``segments`` are known. Surfaces become voxels in a copy.

    ``world``: where the parent transform puts them; otherwise in the node's own coordinates.

    Raises `InputError` for surfaces that cannot become voxels.
    """
    remarks = []
    if node.IsA("vtkMRMLSegmentationNode"):
        source = _with_voxels(node)
        if source is not node:
            remarks.append(f"'{node.GetName()}' is made of surfaces; they were turned into voxels.")
        layers, field = find_layers(source), _noted_grid(source)
    else:
        values = tuple((segment.id, segment.value) for segment in segments)
        layers, field = [Layer(_oriented(node), values)], node_geometry(node)
    matrix = world_matrix(node) if world else np.eye(4)
    found = []
    for layer in layers:
        if not layer.image.GetNumberOfPoints():
            continue
        # A transform that bends needs resampling; all others only move the grid.
        image = in_world(layer.image, node) if matrix is None else layer.image
        grid = image_geometry(image)
        found.append(WorldLayer(own_voxels(image), grid if matrix is None else moved_grid(grid, matrix), layer.values))
    if matrix is None:
        remarks.append(f"'{node.GetName()}' lies under a transform that bends: its voxels were resampled.")
        return NodeVoxels(node.GetName(), tuple(found), None, tuple(remarks))
    world_field = None if field is None else moved_grid(field, matrix)
    return NodeVoxels(node.GetName(), tuple(found), world_field, tuple(remarks))


def _with_voxels(node):
    """The node, or a copy outside the scene whose surfaces were turned into voxels."""
    if node.GetSegmentation().ContainsRepresentation(binary_labelmap()):
        return node
    copy = slicer.vtkMRMLSegmentationNode()
    copy.GetSegmentation().DeepCopy(node.GetSegmentation())
    if not copy.GetSegmentation().CreateRepresentation(binary_labelmap()):
        raise InputError(
            f"The surfaces of '{node.GetName()}' cannot be turned into voxels.",
            remedy="Create its binary label map in the Segmentations module.",
        )
    return copy


def _noted_grid(node) -> Geometry | None:
    """The grid that a segmentation notes as its image's, in its own coordinates."""
    text = node.GetSegmentation().GetConversionParameter(
        slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    )
    frame = slicer.vtkOrientedImageData()
    if not text or not slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, frame, False):
        return None
    grid = image_geometry(frame)
    return grid if min(grid.size) > 0 else None


def _oriented(node):
    """A label map node's image with its place, sharing the voxels."""
    image = slicer.vtkOrientedImageData()
    image.ShallowCopy(node.GetImageData())
    image.SetGeometryFromImageToWorldMatrix(to_vtk(node_geometry(node).ijk_to_ras))
    return image
