"""Which segment is compared with which, and how a person corrects it."""

from __future__ import annotations

import pytest

from BoneSegLib.anatomy import BY_ID
from Testing.scene.comparison_cases import ANISOTROPIC, BOX, a_label_map, a_segmentation, shifted

pytestmark = pytest.mark.usefixtures("a_scene")

OTHER = shifted(BOX, k=11, j=2)
LIVER = "Some list~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~~^^~^^"
TISSUE = "Segmentation category and type - 3D Slicer General Anatomy list~SCT^85756007^Tissue~SCT^85756007^Tissue~^^"


def table(*arguments, **options):
    from BoneSegLib.scene.comparison import match_table

    return {(row.reference_id, row.test_id): row for row in match_table(*arguments, **options)}


def compare(*arguments, **options):
    from BoneSegLib.scene.comparison import compare_nodes

    return compare_nodes(*arguments, **options)


def code(structure: str, context: str) -> str:
    """A bone's terminology as another list has it."""
    from BoneSegLib.scene.terminology import CONTEXT_NAME, terminology_entry

    return terminology_entry(BY_ID[structure]).replace(CONTEXT_NAME, context)


def test_differently_named_bones_are_matched_by_terminology_and_side():
    reference = a_segmentation(
        ANISOTROPIC,
        {"Segment_1": BOX, "Segment_2": OTHER},
        names={"Segment_1": "Oberschenkel li", "Segment_2": "Oberschenkel re"},
        codes={"Segment_1": code("femur_left", "A list"), "Segment_2": code("femur_right", "A list")},
    )
    test = a_segmentation(
        ANISOTROPIC,
        {"Segment_1": OTHER, "Segment_2": BOX},
        names={"Segment_1": "thigh bone R", "Segment_2": "thigh bone L"},
        codes={"Segment_1": code("femur_right", "Another"), "Segment_2": code("femur_left", "Another")},
    )
    rows = table(reference, test)
    assert rows["Segment_1", "Segment_2"].by == "terminology"
    assert rows["Segment_1", "Segment_2"].structure == "femur_left"
    comparison = compare(reference, test)
    assert [score.structure for score in comparison.scores] == ["femur_left", "femur_right"]
    assert [score.dice for score in comparison.scores] == [1.0, 1.0]


def test_segments_that_are_not_our_bones_are_matched_by_code_then_id_then_name():
    reference = a_segmentation(
        ANISOTROPIC,
        {"a": BOX, "tumour": OTHER, "x": None},
        names={"a": "Leber", "x": "Left Kidney"},
        codes={"a": LIVER, "tumour": TISSUE},
    )
    test = a_segmentation(
        ANISOTROPIC,
        {"y": None, "b": BOX, "tumour": OTHER},
        names={"b": "Liver", "y": "left_kidney"},
        codes={"b": LIVER, "y": TISSUE},
    )
    assert {pair: row.by for pair, row in table(reference, test).items()} == {
        ("a", "b"): "terminology",
        ("tumour", "tumour"): "id",
        ("x", "y"): "name",
    }
    comparison = compare(reference, test)
    assert comparison.score("a").dice == comparison.score("tumour").dice == 1.0
    assert comparison.name("a") == "Leber"


def test_ids_that_slicer_numbers_through_match_nothing():
    reference = a_segmentation(ANISOTROPIC, {"Segment_1": BOX}, names={"Segment_1": "Liver"})
    test = a_segmentation(ANISOTROPIC, {"Segment_1": BOX}, names={"Segment_1": "Spleen"})
    assert set(table(reference, test)) == {("Segment_1", ""), ("", "Segment_1")}
    comparison = compare(reference, test)
    assert [score.dice for score in comparison.scores] == [0.0, 0.0]
    assert len({score.structure for score in comparison.scores}) == 2
    assert compare(reference, test, matches={"Segment_1": "Segment_1"}).scores[0].dice == 1.0


def test_a_bone_known_by_its_name_meets_one_known_by_its_code():
    reference = a_segmentation(ANISOTROPIC, {"Segment_1": BOX}, names={"Segment_1": "L3 vertebra"})
    test = a_segmentation(
        ANISOTROPIC, {"third": BOX}, names={"third": "third"}, codes={"third": code("vertebra_L3", "TotalSegmentator")}
    )
    assert table(reference, test)["Segment_1", "third"].by == "bone"
    assert compare(reference, test).score("vertebra_L3").dice == 1.0


def test_a_person_corrects_the_match_and_leaves_segments_out():
    reference = a_segmentation(ANISOTROPIC, {"sacrum": BOX, "femur_left": OTHER})
    test = a_segmentation(ANISOTROPIC, {"sacrum": OTHER, "mine": BOX})
    matches = {"sacrum": "mine", "femur_left": None, "gone": "sacrum"}
    rows = table(reference, test, matches=matches)
    assert rows["sacrum", "mine"].by == "table"
    assert set(rows) == {("sacrum", "mine"), ("femur_left", ""), ("", "sacrum")}
    comparison = compare(reference, test, matches=matches)
    assert comparison.score("sacrum").dice == 1.0
    assert "absent from the test" in comparison.score("femur_left").note
    assert comparison.name("sacrum_test") == "sacrum (test)"


def test_a_label_map_is_called_as_its_own_colours_call_it():
    labels = a_label_map(ANISOTROPIC, {1: BOX, 3: OTHER}, names={1: "Liver", 3: "L1 vertebra"})
    segmentation = a_segmentation(ANISOTROPIC, {"liver": BOX, "vertebra_L1": OTHER})
    comparison = compare(labels, segmentation)
    assert {score.structure: score.dice for score in comparison.scores} == {"vertebra_L1": 1.0, "Liver": 1.0}


def test_a_label_map_without_names_holds_the_ten_bones_and_other_values_by_number():
    rows = table(a_label_map(ANISOTROPIC, {3: BOX, 40: OTHER}), a_label_map(ANISOTROPIC, {3: BOX, 40: OTHER}))
    assert {row.structure for row in rows.values()} == {"sacrum", "label_40"}
    assert rows["label_40", "label_40"].name == "Label 40"


def test_the_table_reads_as_the_comparison_does():
    from BoneSegLib.scene.comparison import match_table

    reference = a_segmentation(ANISOTROPIC, {"vertebra_L5": BOX, "spleen": None, "hip_left": OTHER})
    test = a_segmentation(ANISOTROPIC, {"spleen": None, "hip_left": OTHER, "vertebra_L4": BOX})
    rows = [row.structure for row in match_table(reference, test)]
    assert rows == [score.structure for score in compare(reference, test).scores]
    assert rows == ["hip_left", "vertebra_L4", "vertebra_L5", "spleen"]
