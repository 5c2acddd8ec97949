"""Values, names and segments become labels 1, 2, 3, ...; sides decide what may be mirrored."""

from __future__ import annotations

import json

import numpy as np
import pytest

from BoneSegLib.errors import BoneSegError
from BoneSegLib.label_rules import LabelRules, parse_rules, rules_of_data
from BoneSegLib.sides import mirroring_of

DRAWN = np.array([0, 3, 7, 7, 200])


@pytest.mark.parametrize(
    ("words", "segments", "expected"),
    [
        (["a=7", "b=3"], {}, [0, 2, 1, 1, 0]),
        (["merged=3,200"], {}, [0, 1, 0, 0, 1]),
        (["a=liver", "b=7"], {3: ("seg_1", "Liver"), 7: ("seg_2", "Spleen")}, [0, 1, 2, 2, 0]),
        (["a=SPLEEN,seg_1"], {3: ("seg_1", "Liver"), 7: ("seg_2", "Spleen")}, [0, 1, 1, 1, 0]),
        (["a=999", "b=200"], {}, [0, 0, 0, 0, 2]),
        (["a=bone"], {3: ("seg_1", "bone"), 7: ("seg_2", "Bone")}, [0, 1, 1, 1, 0]),
    ],
)
def test_drawn_values_become_labels(words, segments, expected):
    assert parse_rules(words).apply(DRAWN, segments).tolist() == expected


def test_rules_are_read_from_a_file(tmp_path):
    path = tmp_path / "map.json"
    path.write_text(json.dumps({"background": 0, "kidneys": [2, 3], "spine": ["L1 vertebra"]}))
    assert parse_rules([str(path)]).sources == {"kidneys": (2, 3), "spine": ("L1 vertebra",)}


def test_the_bones_are_rules_of_their_own():
    rules = parse_rules(["bones"])
    assert len(rules.names) == 10
    assert rules.apply(np.array([0, 1, 10]), {}).tolist() == [0, 1, 10]


@pytest.mark.parametrize(
    "words",
    [["a"], ["a="], ["=1"], ["a=0"], ["a=1", "a=2"], ["a=1", "b=1"], ["a=x", "b=X"], ["Background=1"], ["absent.json"]],
)
def test_rules_that_make_no_sense_are_refused(words):
    with pytest.raises(BoneSegError):
        parse_rules(words)


def test_without_rules_the_data_name_their_labels():
    assert rules_of_data({"b": 9, "a": 4}, [1], []).sources == {"a": (4,), "b": (9,)}
    assert rules_of_data({}, [], ["Liver", "Spleen", "Liver"]).names == ("Liver", "Spleen")
    assert rules_of_data({}, [], ["Liver", "liver", "background"]).sources == {"Liver": ("Liver",)}
    assert rules_of_data({}, [0, 7, 3, 7], []).sources == {"label_3": (3,), "label_7": (7,)}


def test_no_label_at_all_is_refused():
    with pytest.raises(BoneSegError, match="0 labels"):
        LabelRules({})


@pytest.mark.parametrize(
    ("names", "axes", "table", "at_inference"),
    [
        (["liver", "tumour"], (0, 1, 2), (0, 1, 2), (0, 1, 2)),
        (["hip_left", "hip_right", "sacrum"], (2,), (0, 2, 1, 3), ()),
        (["Left hip bone", "Sacrum", "Right hip bone"], (2,), (0, 3, 2, 1), ()),
        (["kidney_l", "kidney_r"], (2,), (0, 2, 1), ()),
        (["kidney_left"], (), (0, 1), ()),
        (["l_5", "rt"], (), (0, 1, 2), ()),
        (["bright", "lefty"], (0, 1, 2), (0, 1, 2), (0, 1, 2)),
        (["sacrum", "L1 vertebra", "L2 vertebra"], (1, 2), (0, 1, 2, 3), (1, 2)),
        (["disc_L1_L2", "disc_L2_L3"], (1, 2), (0, 1, 2), (1, 2)),
        (["T1", "liver"], (0, 1, 2), (0, 1, 2), (0, 1, 2)),
        (["label_3", "label_7"], (0, 1, 2), (0, 1, 2), (0, 1, 2)),
    ],
)
def test_sides_decide_what_may_be_mirrored(names, axes, table, at_inference):
    mirroring = mirroring_of(names)
    assert (mirroring.axes, mirroring.table) == (axes, table)
    assert mirroring.at_inference == (at_inference if axes else ())
