"""Each flag fires on the failure that it is for, and on nothing else in the same body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BoneSegLib.flags import flags_of, kinds, measures_of
from BoneSegLib.volume import Geometry, LabelMap
from Testing.unit.flags.body import Boxes, exchanged, flat_hip, label_map, moved, whole_body, without

BODY = whole_body()
FEMURS = {"femur_left": [kinds.CUT], "femur_right": [kinds.CUT]}
"""Flagged in every body here: the image ends at the thighs."""

SPINE = [f"vertebra_L{n}" for n in range(1, 6)]


def flags(boxes: Boxes, **more) -> dict[str, list[str]]:
    return flags_of(label_map(boxes, **more))


def on(names, flag: str) -> dict[str, list[str]]:
    return {name: [flag] for name in names}


def test_a_body_with_whole_bones_in_their_places_has_no_flags_but_the_cut_femurs():
    assert flags(BODY) == FEMURS


SPLIT_L3 = {
    **without(BODY, "vertebra_L1"),
    "vertebra_L2": [((130, 169), (30, 75), (243, 255))],
    "vertebra_L3": [((130, 169), (30, 75), (228, 240))],
}
"""One vertebra under two names, and no further one above: as when the network sees four lumbar vertebrae."""

FAILURES: dict[str, tuple[Boxes, dict[str, list[str]]]] = {
    "a bone is absent": (without(BODY, "hip_left"), on(["hip_left"], kinds.NOT_FOUND)),
    "a hip reaches the edge": (
        {**BODY, "hip_left": flat_hip(0, width=105)},
        on(["hip_left"], kinds.CUT),
    ),
    "a hip is in two pieces": (
        {**BODY, "hip_left": [((45, 72), (39, 90), (60, 159)), ((78, 105), (39, 90), (60, 159))]},
        on(["hip_left"], kinds.fragments(2)),
    ),
    "a hip is far too large": (
        {**BODY, "hip_left": [((3, 105), (12, 141), (60, 159))]},
        {"hip_left": [kinds.LARGE, kinds.HEAD]},
    ),
    "a hip holds the femoral head": (
        {**BODY, "hip_left": [((45, 105), (39, 90), (60, 108)), *flat_hip(45)]},
        on(["hip_left"], kinds.HEAD),
    ),
    "a hip that the image cuts holds the femoral head": (
        {**BODY, "hip_left": [((0, 60), (39, 90), (60, 108)), *flat_hip(0)]},
        {"hip_left": [kinds.CUT, kinds.HEAD]},
    ),
    "a hip is far too small": (
        {**BODY, "hip_left": [((45, 66), (39, 90), (60, 159))]},
        on(["hip_left"], kinds.SMALL),
    ),
    "the hips have each other's names": (
        without(exchanged(BODY, "hip_left", "hip_right"), "femur_left", "femur_right"),
        {**on(["hip_left", "hip_right"], kinds.SIDE), **on(FEMURS, kinds.NOT_FOUND)},
    ),
    "both hips lie on the right": (
        {**without(BODY, "femur_left"), "hip_left": flat_hip(186, a=93)},
        {"hip_left": [kinds.SIDE], "femur_left": [kinds.NOT_FOUND]},
    ),
    "the only hip has the other side's name": (
        {**without(BODY, "hip_right", "femur_left", "femur_right"), "hip_left": BODY["hip_right"]},
        {"hip_left": [kinds.SIDE], **on(["hip_right", *FEMURS], kinds.NOT_FOUND)},
    ),
    "a femur lies far below its hip": (
        moved(BODY, "hip_left", "hip_right", s=15),
        {name: [kinds.CUT, kinds.APART] for name in FEMURS},
    ),
    "two vertebrae have each other's names": (
        exchanged(BODY, "vertebra_L2", "vertebra_L3"),
        {
            **on(SPINE, kinds.LEVEL),
            **{name: [kinds.ORDER, kinds.LEVEL] for name in ("vertebra_L2", "vertebra_L3")},
        },
    ),
    "a vertebra between two others is absent": (
        without(BODY, "vertebra_L3"),
        {**on(SPINE, kinds.LEVEL), "vertebra_L3": [kinds.NOT_FOUND]},
    ),
    "the lowest vertebra is absent": (
        without(BODY, "vertebra_L5"),
        {**on(SPINE, kinds.LEVEL), "vertebra_L5": [kinds.NOT_FOUND]},
    ),
    "the highest vertebra is absent though the image would show it": (
        without(BODY, "vertebra_L1"),
        {**on(SPINE, kinds.LEVEL), "vertebra_L1": [kinds.NOT_FOUND]},
    ),
    "a nameless vertebra lies above the sacrum (six lumbar vertebrae)": (
        moved(BODY, *SPINE, s=30),
        on(SPINE, kinds.LEVEL),
    ),
    "one vertebra has two names (four lumbar vertebrae)": (
        SPLIT_L3,
        {
            **on(SPINE, kinds.LEVEL),
            "vertebra_L1": [kinds.NOT_FOUND],
            **{name: [kinds.SMALL, kinds.LEVEL] for name in ("vertebra_L2", "vertebra_L3")},
        },
    ),
    "there is no sacrum to count from": (
        without(BODY, "sacrum"),
        {**on(SPINE, kinds.LEVEL), "sacrum": [kinds.NOT_FOUND]},
    ),
}


@pytest.mark.parametrize(("boxes", "expected"), FAILURES.values(), ids=FAILURES)
def test_a_failure_has_its_flags_and_no_others(boxes, expected):
    assert flags(boxes) == {**FEMURS, **expected}


def test_every_kind_of_flag_fires_in_some_test():
    fired = {flag for _, expected in FAILURES.values() for flags in expected.values() for flag in flags}
    assert set(kinds.ALL) - fired == {kinds.LOW_CONFIDENCE, kinds.CUT_BY_REGION}, "which have tests of their own"


def test_a_bone_that_the_networks_were_not_sure_of_is_flagged():
    confidence = {"sacrum": 0.3, "hip_left": 0.97}
    assert flags(BODY, info={"confidence": confidence}) == {**FEMURS, "sacrum": [kinds.LOW_CONFIDENCE]}


def test_a_confidence_that_came_back_from_a_file_as_text_does_no_harm():
    assert flags(BODY, info={"confidence": "none"}) == FEMURS


def flags_in(boxes: Boxes, along_r=(0, 300), along_a=(0, 150), along_s=(0, 360)) -> dict[str, list[str]]:
    """Only what lies in this region (mm) was looked at."""
    k, j, i = (slice(int(a // 3), int(b // 3)) for a, b in (along_s, along_a, along_r))
    labels = label_map(boxes)
    seen = np.zeros_like(labels.array)
    seen[k, j, i] = labels.array[k, j, i]
    return flags_of(replace(labels, array=seen), (k, j, i))


def test_a_bone_that_the_region_of_interest_cuts_is_flagged_and_not_judged_by_its_size():
    cut = on(["hip_left", "hip_right"], kinds.CUT_BY_REGION)
    absent = on(["femur_left", "femur_right"], kinds.NOT_FOUND)
    assert flags_in(BODY, along_s=(135, 360)) == {**cut, **absent, "sacrum": [kinds.CUT_BY_REGION]}


def test_a_region_that_ends_with_the_image_cuts_nothing_that_the_image_does_not():
    assert flags_in(BODY) == FEMURS
    assert flags_in(BODY, along_r=(20, 280), along_s=(0, 336)) == FEMURS


def test_a_bone_may_be_cut_by_both_the_image_and_the_region():
    assert flags_in(BODY, along_r=(60, 300))["femur_left"] == [kinds.CUT, kinds.CUT_BY_REGION]


def test_a_highest_vertebra_beyond_the_region_is_not_missed():
    without_highest = without(BODY, "vertebra_L1")
    assert flags_in(without_highest, along_s=(0, 303)) == {**FEMURS, "vertebra_L1": [kinds.NOT_FOUND]}
    assert flags_in(without_highest, along_s=(0, 345))["vertebra_L2"] == [kinds.LEVEL]


@pytest.mark.parametrize("asked_for", [("vertebra_L1", "vertebra_L3"), ("vertebra_L3", "sacrum"), ("hip_left",)])
def test_what_was_not_asked_for_is_not_missed(asked_for):
    assert flags({name: BODY[name] for name in asked_for}, asked_for=asked_for) == {}


def test_a_highest_vertebra_that_the_image_hardly_shows_is_not_missed():
    spine_up_to_the_edge = moved(BODY, *SPINE, "sacrum", s=33)
    labels = without(spine_up_to_the_edge, "vertebra_L1")
    assert kinds.LEVEL not in flags(labels)["vertebra_L1"]
    assert "vertebra_L2" not in flags(labels)


@pytest.mark.parametrize("turn", [np.diag([-1.0, -1.0, 1.0]), np.diag([1.0, 1.0, -1.0]), np.eye(3)[:, [2, 0, 1]]])
def test_flags_do_not_depend_on_how_the_image_is_stored(turn):
    """The same voxels in space, stored along other axes: seen as RAS again, nothing changes."""
    plain = label_map(exchanged(BODY, "hip_left", "hip_right"))
    ijk = plain.array.transpose(2, 1, 0)
    order = [int(np.flatnonzero(turn[:, column])[0]) for column in range(3)]
    flips = [slice(None, None, int(turn[order[column], column])) for column in range(3)]
    stored = ijk.transpose(order)[tuple(flips)]
    starts = np.array(plain.geometry.size) - 1
    origin = np.zeros(3)
    for column, row in enumerate(order):
        origin[row] = 0.0 if turn[row, column] > 0 else starts[row] * 3.0
    geometry = Geometry.from_spacing(stored.shape, (3.0, 3.0, 3.0), origin=tuple(origin), directions=turn)
    again = LabelMap(np.ascontiguousarray(stored.transpose(2, 1, 0)), geometry)
    assert flags_of(again) == flags_of(plain)


def test_a_crumb_is_no_fragment():
    labels = label_map(BODY)
    labels.array[100:102, 40:42, 2:4] = 1
    assert flags_of(labels) == FEMURS


def test_an_empty_map_has_every_bone_flagged_as_not_found():
    empty = label_map({})
    assert flags_of(empty) == {structure.id: [kinds.NOT_FOUND] for structure in empty.structures}


def test_volume_and_brightness_are_those_of_the_voxels():
    labels = label_map(BODY)
    image = np.where(labels.array == 3, 250, -100).astype(np.int16)
    measures = measures_of(labels, image)
    assert measures["sacrum"] == pytest.approx({"volume_ml": 78 * 30 * 75 / 1000, "hu_mean": 250.0})
    assert measures["hip_left"]["hu_mean"] == -100.0
