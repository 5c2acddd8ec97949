"""A label map as a segmentation node, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence

import slicer

from BoneSegLib.anatomy import BY_ID, Structure
from BoneSegLib.errors import InputError, InternalError
from BoneSegLib.scene.matrices import node_geometry
from BoneSegLib.scene.new_nodes import new_nodes_removed
from BoneSegLib.scene.segments import binary_labelmap, make_segments
from BoneSegLib.scene.snapshot import Snapshot
from BoneSegLib.scene.subject_hierarchy import place_beside
from BoneSegLib.volume import LabelMap

PROVENANCE = "BoneSeg."


def write_segmentation(
    labels: LabelMap,
    volume_node,
    segmentation_node=None,
    *,
    structures: Sequence[Structure] | None = None,
    name: str | None = None,
):
    """Puts the labels into a segmentation node (a new one for ``None``) and returns it.

    Each of ``structures`` (``None`` = all that the labels can hold) becomes a segment, an empty one where it has no
    voxels; all share one layer. The node comes
    under the volume's transform, beside it in the subject hierarchy, refers to it, and says in its attributes
    ``BoneSeg.<key>`` how it came about (``labels.info``). Segments of an existing node that are not ours stay.

    Everything is made before the scene is touched; whatever fails afterwards is undone. Raises `InputError` when an
    existing node cannot take the labels, `InternalError` when the labels are not on the volume's grid.
    """
    _require_same_grid(labels, volume_node)
    ours = {*BY_ID, *(structure.id for structure in labels.structures)}
    if segmentation_node is not None:
        _require_room(segmentation_node, volume_node, ours)
    segments = make_segments(labels, labels.structures if structures is None else structures)
    if segmentation_node is None:
        with new_nodes_removed(only_on_failure=True):
            node = slicer.mrmlScene.AddNewNodeByClass(
                "vtkMRMLSegmentationNode", name or f"{volume_node.GetName()} bones"
            )
            _fill(node, segments, labels, volume_node, ours)
        return node
    snapshot = Snapshot(segmentation_node)
    try:
        _fill(segmentation_node, segments, labels, volume_node, ours)
        if name:
            segmentation_node.SetName(name)
    except BaseException:
        snapshot.restore()
        raise
    return segmentation_node


def write_labels(labels: LabelMap, *, structures: Sequence[Structure] | None = None, name: str = "Bones"):
    """A new segmentation node for labels that come without their image.

    Each of ``structures`` becomes a segment; for ``None`` what has voxels does.
    """
    present = structures or [one for one in labels.structures if (labels.array == one.label).any()]
    segments = make_segments(labels, present)
    with new_nodes_removed(only_on_failure=True):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        _fill(node, segments, labels, None, set())
    return node


def provenance(node) -> dict[str, object]:
    """What `write_segmentation` noted: the ``info`` of the label map."""
    return {name.removeprefix(PROVENANCE): _plain(text) for name, text in noted(node).items()}


def noted(node) -> dict[str, str]:
    """The same as the node's attributes have it."""
    names = [name for name in node.GetAttributeNames() or () if name.startswith(PROVENANCE)]
    return {name: node.GetAttribute(name) for name in names}


def _plain(text: str) -> object:
    """Texts are noted as they are, for people to read, and everything else as JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _require_same_grid(labels: LabelMap, volume_node) -> None:
    if volume_node is None or volume_node.GetScene() is None or volume_node.GetImageData() is None:
        raise InputError("The volume is gone.", remedy="Load it again, and leave it in the scene during the run.")
    if not labels.geometry.matches(node_geometry(volume_node)):
        raise InternalError(
            "The labels do not lie on the volume's grid.", remedy="If the volume was changed meanwhile, run again."
        )


def _require_room(node, volume_node, ours: set[str]) -> None:
    """An existing node can take the labels unless that would move or convert segments that are not ours."""
    if node.GetScene() is None:
        raise InputError("The segmentation is gone.", remedy="Choose a new segmentation.")
    others = [segment_id for segment_id in node.GetSegmentation().GetSegmentIDs() if segment_id not in ours]
    if not others:
        return
    remedy = "Choose a new segmentation."
    if node.GetTransformNodeID() != volume_node.GetTransformNodeID():
        raise InputError(
            f"'{node.GetName()}' has other segments and does not lie under the volume's transform.", remedy=remedy
        )
    if node.GetSegmentation().GetSourceRepresentationName() != binary_labelmap():
        raise InputError(f"'{node.GetName()}' has other segments which are not made of voxels.", remedy=remedy)


def _fill(node, segments, labels: LabelMap, volume_node, ours: set[str]) -> None:
    with slicer.util.NodeModify(node):
        segmentation = node.GetSegmentation()
        for segment_id in segmentation.GetSegmentIDs():
            if segment_id in ours:
                segmentation.RemoveSegment(segment_id)
        if segmentation.GetNumberOfSegments() == 0:
            segmentation.SetSourceRepresentationName(binary_labelmap())
        for segment_id, segment in segments:
            if not segmentation.AddSegment(segment, segment_id):
                raise InternalError(f"The segment '{segment_id}' could not be added.")
        if volume_node is not None:
            # The transform first: the grid is noted relative to it.
            node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
            node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
        _note(node, labels.info)
        if node.GetDisplayNode() is None:
            node.CreateDefaultDisplayNodes()
        if volume_node is not None:
            place_beside(node, volume_node)


def _note(node, info: dict[str, object]) -> None:
    for attribute in noted(node):
        node.RemoveAttribute(attribute)
    for key, value in info.items():
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        node.SetAttribute(PROVENANCE + key, text)
