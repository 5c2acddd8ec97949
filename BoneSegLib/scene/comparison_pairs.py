"""Which segment of one node is compared with which of the other, and under what name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from BoneSegLib.anatomy import BY_LABEL, Structure, foreign_structure
from BoneSegLib.evaluation.matching import SegmentDescription, match_structures
from BoneSegLib.scene.comparison_segments import NodeSegment, segments_of

_MADE_UP_ID = re.compile(r"Segment_\d+(_\d+)*")
"""Ids that Slicer numbers through; the same one in two segmentations means nothing."""


@dataclass(frozen=True)
class SegmentPair:
    """What is compared: ``structure`` names it in the result, with the label that both sides get.

    ``reference``, ``test``: the segments, ``None`` where one side has no match. ``by``: ``"table"`` (a person's
    correction), ``"terminology"``, ``"id"``, ``"name"``, ``"bone"`` (both are known to be the same bone, each by
    something else), or ``""``.
    """

    structure: Structure
    reference: NodeSegment | None
    test: NodeSegment | None
    by: str = ""


@dataclass(frozen=True)
class MatchRow:
    """A proposed pair as a widget shows it; empty texts where a side has no match.

    ``{row.reference_id: row.test_id or None}`` of the rows that a person corrected is what ``matches`` takes.
    """

    structure: str
    name: str
    reference_id: str
    reference_name: str
    test_id: str
    test_name: str
    by: str


def match_table(reference_node, test_node, *, matches: Mapping[str, str | None] | None = None) -> list[MatchRow]:
    """The pairs that a comparison of two nodes would make, in the order of its rows; reads no voxels of segmentations.

    Raises `InputError` for nodes that cannot be compared.
    """
    rows = []
    for pair in pair_segments(segments_of(reference_node), segments_of(test_node), matches=matches):
        ours, theirs = (("", "") if one is None else (one.id, one.name) for one in (pair.reference, pair.test))
        rows.append(MatchRow(pair.structure.id, pair.structure.name, *ours, *theirs, pair.by))
    return rows


def pair_segments(
    reference: Sequence[NodeSegment],
    test: Sequence[NodeSegment],
    *,
    matches: Mapping[str, str | None] | None = None,
) -> tuple[SegmentPair, ...]:
    """Pairs by the table ``matches`` (reference segment id to test segment id or ``None``), terminology, id, name.

    Ids that are not there are passed over. In the order of the labels, of which the bones have their own.
    """
    ours = {_key(one, "reference"): one for one in reference}
    theirs = {_key(one, "test"): one for one in test}
    keys = {one.id: key for key, one in ours.items()}, {one.id: key for key, one in theirs.items()}
    table = {
        keys[0][one]: None if other is None else keys[1].get(other, other)
        for one, other in (matches or {}).items()
        if one in keys[0]
    }
    found = [
        (ours.get(pair.reference.id) if pair.reference else None, theirs.get(pair.test.id) if pair.test else None, by)
        for pair in match_structures(_described(ours), _described(theirs), table=table)
        for by in (pair.by,)
    ]
    return _named(_same_bones_joined(found))


_Found = tuple[NodeSegment | None, NodeSegment | None, str]


def _key(segment: NodeSegment, side: str) -> str:
    return f"{segment.id} of the {side}" if _MADE_UP_ID.fullmatch(segment.id) else segment.id


def _described(segments: Mapping[str, NodeSegment]) -> list[SegmentDescription]:
    return [SegmentDescription(key, one.name, one.terminology) for key, one in segments.items()]


def _same_bones_joined(found: list[_Found]) -> list[_Found]:
    """Joins what is left over on both sides and known to be one bone."""
    left = {
        theirs.bone.id: theirs for ours, theirs, _by in found if ours is None and theirs is not None and theirs.bone
    }
    joined: list[_Found] = []
    used = set()
    for ours, theirs, by in found:
        if theirs is None and by != "table" and ours is not None and ours.bone and ours.bone.id in left:
            theirs, by = left[ours.bone.id], "bone"
            used.add(theirs.id)
        joined.append((ours, theirs, by))
    return [pair for pair in joined if pair[0] is not None or pair[1] is None or pair[1].id not in used]


def _named(found: list[_Found]) -> tuple[SegmentPair, ...]:
    """A structure for each pair, with an id and a label that no other has."""
    reserved = set(BY_LABEL) if any(one and one.bone for pair in found for one in pair[:2]) else set()
    ids: set[str] = set()
    labels: set[int] = set()
    pairs = []
    # Bones first, so that they keep their ids and labels.
    for ours, theirs, by in sorted(found, key=lambda pair: _bone(pair) is None):
        structure = _bone((ours, theirs, by))
        if structure is None or structure.id in ids:
            one = ours or theirs
            assert one is not None
            label = _free_label(one.value, labels | reserved)
            structure = replace(foreign_structure(label, one.id), name=one.name or one.id)
            if structure.id in ids:
                side = "reference" if ours else "test"
                told = f"{structure.name} ({side})"
                structure = replace(structure, id=_free_id(f"{one.id}_{side}", ids), name=told)
        ids.add(structure.id)
        labels.add(structure.label)
        pairs.append(SegmentPair(structure, ours, theirs, by))
    return tuple(sorted(pairs, key=lambda pair: pair.structure.label))


def _bone(pair: _Found) -> Structure | None:
    """What the pair is; the reference says it, the test where the reference does not know."""
    return next((one.bone for one in pair[:2] if one is not None and one.bone), None)


def _free_label(wanted: int, taken: set[int]) -> int:
    if wanted > 0 and wanted not in taken:
        return wanted
    return next(label for label in count(1) if label not in taken)


def _free_id(wanted: str, taken: set[str]) -> str:
    return next(one for one in (wanted, *(f"{wanted}_{n}" for n in range(2, 10_000))) if one not in taken)
