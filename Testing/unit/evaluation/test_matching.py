"""Which segment is which."""

from __future__ import annotations

from BoneSegLib.evaluation.matching import SegmentDescription as Segment
from BoneSegLib.evaluation.matching import match_structures

SACRUM = ("54735007", None)


def told(pairs):
    return [(pair.reference and pair.reference.id, pair.test and pair.test.id, pair.by) for pair in pairs]


def test_terminology_goes_before_id_and_id_before_name():
    reference = [Segment("a", "Sacrum", SACRUM), Segment("b", "Hip"), Segment("c", "Left femur")]
    test = [Segment("c", "Hip"), Segment("x", "whatever", SACRUM), Segment("z", "left_FEMUR")]
    # "c" is the same id, so the name "Hip" of that segment is not looked at, and "b" finds nothing.
    assert told(match_structures(reference, test)) == [
        ("a", "x", "terminology"),
        ("b", None, ""),
        ("c", "c", "id"),
        (None, "z", ""),
    ]


def test_names_match_without_case_blanks_and_underscores():
    pairs = match_structures([Segment("1", "Left hip bone")], [Segment("2", "left_hip-bone")])
    assert told(pairs) == [("1", "2", "name")]


def test_a_key_that_two_segments_share_decides_nothing():
    reference = [Segment("a", "Left", SACRUM), Segment("b", "Right", SACRUM)]
    test = [Segment("c", "Right", SACRUM), Segment("d", "Left", SACRUM)]
    assert told(match_structures(reference, test)) == [("a", "d", "name"), ("b", "c", "name")]


def test_the_users_table_goes_before_everything():
    reference = [Segment("a", "Sacrum"), Segment("b", "Hip"), Segment("c", "Femur")]
    test = [Segment("a", "Sacrum"), Segment("b", "Hip"), Segment("c", "Femur")]
    pairs = match_structures(reference, test, table={"a": "b", "c": None, "unknown": "c"})
    assert told(pairs) == [("a", "b", "table"), ("b", None, ""), ("c", None, "table"), (None, "a", ""), (None, "c", "")]


def test_nothing_matches_nothing():
    assert match_structures([], []) == []
    assert told(match_structures([Segment("a")], [])) == [("a", None, "")]
