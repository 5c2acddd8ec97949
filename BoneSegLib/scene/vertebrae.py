"""Vertebrae called one too high or one too low are given their neighbours' names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from vtk.util.numpy_support import vtk_to_numpy

from BoneSegLib.anatomy import BY_ID, GROUPS, Structure
from BoneSegLib.errors import InputError, InternalError
from BoneSegLib.scene.labels import find_segments
from BoneSegLib.scene.segments import binary_labelmap
from BoneSegLib.scene.snapshot import Snapshot
from BoneSegLib.scene.terminology import terminology_entry
from BoneSegLib.scene.write import PROVENANCE, noted

CHAIN: tuple[Structure, ...] = (
    Structure(0, "vertebra_T12", "T12 vertebra", ("23215003", "T12 vertebra"), None, (206, 178, 140), None),
    *(BY_ID[name] for name in GROUPS["lumbar_spine"]),
    Structure(0, "vertebra_S1", "S1 vertebra", ("65985001", "S1 vertebra"), None, (140, 120, 150), None),
)
"""From above to below. The outer two are never found by a network; they are where a name can be moved to and back."""

_PLACES = {structure.id: place for place, structure in enumerate(CHAIN)}
_NOTE = PROVENANCE + "vertebrae_renumbered"


@dataclass(frozen=True)
class _Vertebra:
    segment_id: str
    place: int
    is_empty: bool


def renumber_vertebrae(node, steps: int) -> dict[str, str]:
    """Gives each vertebra the name of the one ``steps`` below it (above it for negative ``steps``).

    With 1, L1 becomes L2, and so on; voxels stay where they are. Name, id, colour, code and label value change, and
    the numbers noted in the node's attributes ``BoneSeg.*`` move along. A vertebra may end as T12 or S1, and comes back
    from there; an empty segment that would leave takes a name that has become free. Returns the new structure id of
    each old one. Raises `InputError`, with nothing changed, for a segmentation without lumbar vertebrae, without
    voxels of its own, and where a vertebra would get a name beyond T12 or S1.
    """
    if node is None or not node.IsA("vtkMRMLSegmentationNode"):
        raise InputError("There is no segmentation.", remedy="Choose a segmentation with vertebrae.")
    if node.GetSegmentation().GetSourceRepresentationName() != binary_labelmap():
        raise InputError(f"The segments of '{node.GetName()}' are not made of voxels.", remedy="Convert them first.")
    vertebrae = _vertebrae_of(node)
    renamed = _new_places(node.GetName(), vertebrae, steps)
    moved = {CHAIN[old].id: CHAIN[new].id for old, new in renamed.items()}
    segments = _renamed_segments(node.GetSegmentation(), {each.segment_id: renamed[each.place] for each in vertebrae})
    has_surfaces = node.GetSegmentation().ContainsRepresentation(_surface())
    snapshot = Snapshot(node)
    try:
        with slicer.util.NodeModify(node):
            _exchange(node.GetSegmentation(), segments)
            _move_notes(node, moved, steps)
        if has_surfaces:
            # Only now: the end of NodeModify would throw them away again.
            node.CreateClosedSurfaceRepresentation()
    except BaseException:
        snapshot.restore()
        raise
    return moved


def _vertebrae_of(node) -> list[_Vertebra]:
    segmentation = node.GetSegmentation()
    found = [
        _Vertebra(segment_id, _PLACES[structure.id], not _has_voxels(segmentation.GetSegment(segment_id)))
        for structure, segment_id in find_segments(node, CHAIN)
    ]
    if all(each.is_empty for each in found):
        raise InputError(f"'{node.GetName()}' has no lumbar vertebrae.", remedy="Choose a segmentation with vertebrae.")
    return found


def _has_voxels(segment) -> bool:
    image = segment.GetRepresentation(binary_labelmap())
    if image is None or not image.GetNumberOfPoints():
        return False
    return bool((vtk_to_numpy(image.GetPointData().GetScalars()) == segment.GetLabelValue()).any())


def _new_places(name: str, vertebrae: list[_Vertebra], steps: int) -> dict[int, int]:
    """Old place to new place in the chain."""
    moved = {each.place: each.place + steps for each in vertebrae if not each.is_empty}
    for old, new in moved.items():
        if not 0 <= new < len(CHAIN):
            raise InputError(
                f"The {CHAIN[old].name} of '{name}' cannot be moved further.",
                cause=f"BoneSeg's names go from {CHAIN[0].name} to {CHAIN[-1].name}.",
                remedy="Rename it in the Segment Editor.",
            )
    free = [place for place in range(1, len(CHAIN) - 1) if place not in moved.values()]
    for each in vertebrae:
        if each.is_empty:
            wanted = each.place + steps
            moved[each.place] = free.pop(free.index(wanted) if wanted in free else 0)
    return moved


def _renamed_segments(segmentation, new_places: dict[str, int]) -> list[tuple[str, Any]]:
    """(id, new vtkSegment) of all segments, the vertebrae under their new names, on copies of their layers."""
    layers: dict[Any, list[str]] = {}
    for segment_id in segmentation.GetSegmentIDs():
        image = segmentation.GetSegment(segment_id).GetRepresentation(binary_labelmap())
        layers.setdefault(image, []).append(segment_id)
    made = {}
    for image, members in layers.items():
        old = {each: int(segmentation.GetSegment(each).GetLabelValue()) for each in members}
        new = _new_values(old, {each: new_places[each] for each in members if each in new_places})
        # A copy, since segments that are taken out of their segmentation wipe their voxels out of the layer.
        layer = slicer.vtkOrientedImageData()
        layer.DeepCopy(image)
        _replace_values(layer, {old[each]: new[each] for each in new})
        for each in members:
            segment = slicer.vtkSegment()
            segment.DeepCopyMetadata(segmentation.GetSegment(each))
            segment.AddRepresentation(binary_labelmap(), layer)
            segment.SetLabelValue(new.get(each, old[each]))
            made[each] = segment
    for segment_id, place in new_places.items():
        _rename(made[segment_id], CHAIN[place])
    # An id that somebody else gave stays.
    return [
        (CHAIN[new_places[each]].id if each in new_places and each in _PLACES else each, made[each])
        for each in _in_order(segmentation.GetSegmentIDs(), new_places)
    ]


def _rename(segment, structure: Structure) -> None:
    segment.SetName(structure.name)
    segment.SetColor([part / 255 for part in structure.color])
    segment.SetTag(segment.GetTerminologyEntryTagName(), terminology_entry(structure))


def _exchange(segmentation, segments: list[tuple[str, Any]]) -> None:
    segmentation.RemoveAllSegments()
    segmentation.SetSourceRepresentationName(binary_labelmap())
    for segment_id, segment in segments:
        if not segmentation.AddSegment(segment, segment_id):
            raise InternalError(f"The segment '{segment_id}' could not be renamed.")


def _in_order(ids: Sequence[str], places: dict[str, int]) -> list[str]:
    """The ids in their order, but the vertebrae among them from above to below under their new names."""
    vertebrae = iter(sorted(places, key=lambda segment_id: places[segment_id]))
    return [next(vertebrae) if segment_id in places else segment_id for segment_id in ids]


def _surface() -> str:
    return slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()


def _new_values(old: dict[str, int], places: dict[str, int]) -> dict[str, int]:
    """For the vertebrae of one layer, the labels of their new names; other values where those are not free."""
    taken = {value for segment_id, value in old.items() if segment_id not in places}
    new: dict[str, int] = {}
    for segment_id, place in places.items():
        wanted = CHAIN[place].label
        if len(old) == 1:
            wanted = old[segment_id]
        if not wanted or wanted in taken:
            beyond = len(BY_ID) + 1
            wanted = next(value for value in range(beyond, 65536) if value not in taken)
        taken.add(wanted)
        new[segment_id] = wanted
    return new


def _replace_values(image, values: dict[int, int]) -> None:
    changed = {old: new for old, new in values.items() if old != new}
    if not changed or not image.GetNumberOfPoints():
        return
    voxels = vtk_to_numpy(image.GetPointData().GetScalars())
    table = np.arange(int(voxels.max()) + 1, dtype=voxels.dtype)
    for old, new in changed.items():
        if old < len(table):
            table[old] = new
    voxels[...] = table[voxels]


def _move_notes(node, moved: dict[str, str], steps: int) -> None:
    """Numbers by structure in the attributes get the new names, and the change is noted itself."""
    for attribute, text in noted(node).items():
        try:
            value = json.loads(text)
        except ValueError:
            continue
        if isinstance(value, dict) and moved.keys() & value.keys():
            node.SetAttribute(attribute, json.dumps({moved.get(key, key): each for key, each in value.items()}))
    total = int(node.GetAttribute(_NOTE) or 0) + steps
    if total:
        node.SetAttribute(_NOTE, str(total))
    else:
        node.RemoveAttribute(_NOTE)
