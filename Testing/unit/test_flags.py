"""What is flagged, on label maps made for it."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.flags import flags_of
from BoneSegLib.volume import Geometry, LabelMap

HIPS = (BY_ID["hip_left"], BY_ID["hip_right"])
SIZE = (100, 100, 100)


def _labels(**boxes: tuple[slice, slice, slice]) -> LabelMap:
    array = np.zeros(SIZE, np.uint8)
    for name, box in boxes.items():
        array[box] = BY_ID[name.rstrip("_2")].label
    return LabelMap(array, Geometry.from_spacing(SIZE, (1.5, 1.5, 1.5)), HIPS)


def _box(first: int, stop: int, *, k: tuple[int, int] = (20, 60)) -> tuple[slice, slice, slice]:
    return (slice(*k), slice(20, 70), slice(first, stop))


def test_whole_bones_of_plausible_size_on_their_side_have_no_flags():
    assert flags_of(_labels(hip_left=_box(5, 45), hip_right=_box(55, 95))) == {}


def test_a_bone_that_is_absent_is_flagged_as_not_found():
    assert flags_of(_labels(hip_left=_box(5, 45))) == {"hip_right": ["not found"]}


def test_bones_with_exchanged_sides_are_flagged():
    flags = flags_of(_labels(hip_right=_box(5, 45), hip_left=_box(55, 95)))
    assert flags == {"hip_left": ["side doubtful"], "hip_right": ["side doubtful"]}


@pytest.mark.parametrize(
    ("box", "flag"),
    [(_box(5, 45, k=(60, 100)), "cut by the field of view"), (_box(5, 10), "unusually small")],
)
def test_cut_and_small_bones_are_flagged(box, flag):
    assert flags_of(_labels(hip_left=box, hip_right=_box(55, 95)))["hip_left"] == [flag]


def test_a_second_large_piece_is_flagged_and_a_crumb_is_not():
    labels = _labels(hip_left=_box(5, 45), hip_right=_box(55, 95))
    labels.array[90:92, 5:7, 10:12] = 1
    assert flags_of(labels) == {}
    labels.array[70:90, 20:70, 5:45] = 1
    assert flags_of(labels)["hip_left"] == ["2 fragments"]
