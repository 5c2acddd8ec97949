"""A segmentation node as a label map: the way back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer
import vtk

from BoneSegLib.anatomy import STRUCTURES, Structure, foreign_structure
from BoneSegLib.errors import InputError
from BoneSegLib.scene.layers import find_layers, in_world, voxels_on
from BoneSegLib.scene.matrices import image_geometry
from BoneSegLib.scene.terminology import terminology_entry
from BoneSegLib.volume import Geometry, LabelMap


def labelmap_from_segmentation(
    node, reference: Geometry | None = None, *, structures: Sequence[Structure] = STRUCTURES, world: bool = False
) -> LabelMap:
    """The segments that stand for our bones as labels (uint8 kji).

    ``reference`` is the grid to put them on; ``None`` takes the one that the segmentation was made on. ``world``
    applies the parent transform, so that segmentations under different transforms can be compared; the reference is
    then in world coordinates. Where segments overlap, the later one wins. Raises `InputError` when the node holds no
    segments of ours, or nothing that has voxels.
    """
    found = find_segments(node, structures)
    if not found:
        raise InputError(
            f"'{node.GetName()}' holds none of the bones asked for.",
            cause="Its segments are: " + (", ".join(segment_names(node)) or "none") + ".",
            remedy="Name the segments as BoneSeg does ('Sacrum', 'L3 vertebra', …).",
        )
    labels_of = {segment_id: structure.label for structure, segment_id in found}
    layers = find_layers(node, tuple(labels_of))
    images = [in_world(layer.image, node) if world else layer.image for layer in layers]
    grid = reference or _own_grid(node, images, world=world)
    labels = np.zeros(grid.shape, np.uint8)
    for image, layer in zip(images, layers, strict=True):
        if image.GetNumberOfPoints():
            voxels = voxels_on(image, grid)
            for segment_id, value in layer.values:
                labels[voxels == value] = labels_of[segment_id]
    return LabelMap(labels, grid, structures=tuple(structures))


def structures_of(node) -> tuple[Structure, ...]:
    """What the segments stand for: our bones, or the structures of another model by their ids and values."""
    if find_segments(node):
        return STRUCTURES
    segmentation = node.GetSegmentation()
    return tuple(
        foreign_structure(segmentation.GetSegment(segment_id).GetLabelValue(), segment_id)
        for segment_id in segmentation.GetSegmentIDs()
    )


def segment_names(node) -> tuple[str, ...]:
    """The names of all segments, in their order."""
    segmentation = node.GetSegmentation()
    return tuple(segmentation.GetSegment(segment_id).GetName() for segment_id in segmentation.GetSegmentIDs())


def find_segments(node, structures: Sequence[Structure] = STRUCTURES) -> list[tuple[Structure, str]]:
    """(structure, segment id) for the segments that stand for it: by id, else by code and side, else by name."""
    segmentation = node.GetSegmentation()
    ids = list(segmentation.GetSegmentIDs())
    names = {segmentation.GetSegment(segment_id).GetName().casefold(): segment_id for segment_id in reversed(ids)}
    codes = {_codes(segmentation.GetSegment(segment_id)): segment_id for segment_id in reversed(ids)}
    found = []
    for structure in structures:
        candidates = (
            structure.id if structure.id in ids else None,
            codes.get(_codes_of(terminology_entry(structure))),
            names.get(structure.name.casefold()),
            names.get(structure.id.casefold()),
        )
        segment_id = next((candidate for candidate in candidates if candidate), None)
        if segment_id:
            found.append((structure, segment_id))
    return found


def _codes(segment) -> tuple[str, ...]:
    value = vtk.reference("")
    segment.GetTag(segment.GetTerminologyEntryTagName(), value)
    return _codes_of(str(value))


def _codes_of(entry: str) -> tuple[str, ...]:
    """(type code, modifier code) of a terminology entry, whatever list it was chosen from."""
    parts = entry.split("~")
    return tuple(part.split("^")[1] if part.count("^") >= 2 else "" for part in parts[2:4])


def _own_grid(node, images: list, *, world: bool) -> Geometry:
    """The reference grid of the node, or what encloses all segments."""
    text = node.GetSegmentation().GetConversionParameter(
        slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    )
    if text and not world:
        frame = slicer.vtkOrientedImageData()
        if slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, frame, False):
            return image_geometry(frame)
    grids = [image_geometry(image) for image in images if image.GetNumberOfPoints()]
    if not grids:
        raise InputError(f"'{node.GetName()}' has no voxels and no grid.", remedy="Give the grid of its image.")
    return _enclosing(grids)


def _enclosing(grids: list[Geometry]) -> Geometry:
    """The first grid, extended by whole voxels so that it holds the others."""
    first = grids[0]
    to_first = np.linalg.inv(first.ijk_to_ras)
    corners = np.vstack([grid.corners() for grid in grids])
    ijk = corners @ to_first[:3, :3].T + to_first[:3, 3]
    low, high = np.floor(ijk.min(axis=0) + 1e-3), np.ceil(ijk.max(axis=0) - 1e-3)
    start = np.eye(4)
    start[:3, 3] = low
    ni, nj, nk = (high - low + 1).astype(int)
    return Geometry((int(ni), int(nj), int(nk)), first.ijk_to_ras @ start)
