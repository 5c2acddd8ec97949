"""What a segmentation or label map node holds: its segments, and which of them are bones that we know."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from BoneSegLib.anatomy import BY_LABEL, STRUCTURES, Structure
from BoneSegLib.errors import InputError
from BoneSegLib.scene.labels import find_segments

REMEDY = "Choose a segmentation or a label map."

_GENERAL_TYPES = {"", "85756007"}
"""SNOMED codes that tell nothing: none, and "Tissue", which Slicer gives to every new segment."""


@dataclass(frozen=True)
class NodeSegment:
    """A segment (or a value of a label map).

    ``value``: its value in its voxels. ``terminology``: (type, its modifier, region, its modifier) by code, ``None``
    where there is none or only a general one. ``bone``: which of ours it is, by id, code or name.
    """

    id: str
    name: str
    value: int
    terminology: tuple[str, ...] | None = None
    bone: Structure | None = None


def segments_of(node) -> tuple[NodeSegment, ...]:
    """The segments of a segmentation node, or the values of a label map volume node, in their order.

    A label map's values are called as its own colour table calls them; without such names 1 to 10 are the ten bones.
    Raises `InputError` for other nodes, for nothing in them, and for a label map whose values are no labels.
    """
    if node is None or not any(node.IsA(kind) for kind in ("vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode")):
        name = "It" if node is None else f"'{node.GetName()}'"
        cause = "" if node is None else "A volume can be converted to a label map in the Volumes module."
        raise InputError(f"{name} is no segmentation.", cause=cause, remedy=REMEDY)
    if node.IsA("vtkMRMLSegmentationNode"):
        return _of_segmentation(node)
    return _of_label_map(node)


def _of_segmentation(node) -> tuple[NodeSegment, ...]:
    segmentation = node.GetSegmentation()
    if segmentation is None or not segmentation.GetNumberOfSegments():
        raise InputError(f"'{node.GetName()}' has no segments.", remedy=REMEDY)
    bones: dict[str, Structure] = {}
    for structure, segment_id in find_segments(node):
        bones.setdefault(segment_id, structure)
    found = []
    for segment_id in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segment_id)
        entry = vtk.reference("")
        segment.GetTag(segment.GetTerminologyEntryTagName(), entry)
        codes = _codes(str(entry))
        found.append(
            NodeSegment(segment_id, segment.GetName() or "", segment.GetLabelValue(), codes, bones.get(segment_id))
        )
    return tuple(found)


def _of_label_map(node) -> tuple[NodeSegment, ...]:
    values = _present_values(node)
    colors = _own_colors(node)
    named = {value: _color_name(colors, value) for value in values}
    if not any(named.values()):
        return tuple(_unnamed(value) for value in values)
    counts = Counter(named.values())
    found = []
    for value, name in named.items():
        if not name:
            found.append(NodeSegment(f"label_{value}", f"Label {value}", value))
            continue
        bone = _bone_called(name)
        unique = counts[name] == 1
        segment_id = bone.id if bone and unique else (name if unique else f"{name} ({value})")
        found.append(NodeSegment(segment_id, name, value, _color_codes(colors, value), bone if unique else None))
    return tuple(found)


def _unnamed(value: int) -> NodeSegment:
    bone = BY_LABEL.get(value)
    if bone is None:
        return NodeSegment(f"label_{value}", f"Label {value}", value)
    return NodeSegment(bone.id, bone.name, value, None, bone)


def _present_values(node) -> list[int]:
    """The label map's values but 0."""
    name = node.GetName()
    image = node.GetImageData()
    if image is None or not image.GetNumberOfPoints() or image.GetPointData().GetScalars() is None:
        raise InputError(f"'{name}' holds no voxels.", remedy=REMEDY)
    array = vtk_to_numpy(image.GetPointData().GetScalars())
    low, high = float(array.min()), float(array.max())
    if array.ndim != 1 or array.dtype.kind not in "iu" or low < 0 or high > 65535:
        raise InputError(
            f"'{name}' is no label map.",
            cause=f"It holds values of type {array.dtype} from {low:g} to {high:g}.",
            remedy="Labels are whole numbers from 0 to 65535.",
        )
    # In portions, since bincount makes 64-bit copies.
    counts = np.zeros(int(high) + 1, np.int64)
    for start in range(0, len(array), 1 << 22):
        counts += np.bincount(array[start : start + (1 << 22)], minlength=len(counts))
    return [int(value) for value in np.flatnonzero(counts) if value]


def _own_colors(node):
    """A colour node that was made for this label map; Slicer's general tables call 1 "tissue" whatever it is."""
    display = node.GetDisplayNode()
    colors = None if display is None else display.GetColorNode()
    return None if colors is None or colors.GetSingletonTag() else colors


def _color_name(colors, value: int) -> str:
    if colors is None or value >= colors.GetNumberOfColors():
        return ""
    # Slicer 5.10 has GetColorDefined beside the name that means none.
    if not getattr(colors, "GetColorDefined", lambda _value: True)(value):
        return ""
    name = (colors.GetColorName(value) or "").strip()
    return "" if name == "(none)" else name


def _color_codes(colors, value: int) -> tuple[str, ...] | None:
    # Slicer's colours have had codes since 5.8 only.
    if not getattr(colors, "GetContainsTerminology", lambda: False)():
        return None
    return _codes(colors.GetTerminologyAsString(value))


def _bone_called(name: str) -> Structure | None:
    wanted = name.casefold()
    return next((one for one in STRUCTURES if wanted in (one.id.casefold(), one.name.casefold())), None)


def _codes(entry: str | None) -> tuple[str, ...] | None:
    """The codes of a terminology entry, without the name of the list that it was chosen from."""
    parts = (entry or "").split("~")
    codes = [part.split("^")[1] if part.count("^") >= 2 else "" for part in parts]
    codes += [""] * (7 - len(codes))
    kind, kind_modifier, region, region_modifier = codes[2], codes[3], codes[5], codes[6]
    if kind in _GENERAL_TYPES and not region:
        return None
    return kind, kind_modifier, region, region_modifier
