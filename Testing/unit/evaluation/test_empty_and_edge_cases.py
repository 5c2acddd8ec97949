"""Structures that are missing, tiny, at the image's edge or cut by a mask: the stated policy."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from evaluation_shapes import blob_mask, box_mask, labelmap

from BoneSegLib.anatomy import foreign_structure
from BoneSegLib.errors import Cancelled, InputError, UsageError
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.result import NUMBERS
from BoneSegLib.volume import Geometry, LabelMap

HIP = CompareOptions(structures=("hip_left",))
BOX = box_mask((10, 10, 10), (3, 3, 3), (6, 6, 6))
NOTHING = np.zeros_like(BOX)


def defined(score):
    return {name for name in NUMBERS if math.isfinite(getattr(score, name))}


def test_a_structure_absent_from_both_has_volumes_only_and_a_note():
    comparison = compare_labelmaps(labelmap(NOTHING), labelmap(NOTHING), options=HIP)
    score = comparison.score("hip_left")
    assert defined(score) == {"volume_reference_ml", "volume_test_ml"}
    assert score.note == "absent from both"
    assert comparison.mean.note == "nothing to compare: no structure is in either segmentation"


@pytest.mark.parametrize("surface", ["surfel", "voxel"])
def test_a_structure_absent_from_the_test_scores_nothing(surface):
    options = CompareOptions(structures=("hip_left",), surface=surface)
    score = compare_labelmaps(labelmap(BOX), labelmap(NOTHING), options=options).score("hip_left")
    assert (score.dice, score.jaccard, score.nsd, score.recall) == (0, 0, 0, 0)
    assert score.volume_difference_percent == -100
    assert math.isnan(score.hausdorff_mm) and math.isnan(score.assd_mm)
    assert score.note.startswith("absent from the test")


def test_a_structure_absent_from_the_reference_scores_nothing():
    score = compare_labelmaps(labelmap(NOTHING), labelmap(BOX), options=HIP).score("hip_left")
    assert (score.dice, score.jaccard, score.nsd, score.precision) == (0, 0, 0, 0)
    assert math.isnan(score.volume_difference_percent)
    assert score.note.startswith("absent from the reference")


def test_the_mean_says_of_how_many_structures_it_is():
    reference = labelmap(BOX)
    array = reference.array.copy()
    array[8, 8, 8] = 3
    comparison = compare_labelmaps(
        LabelMap(array, reference.geometry), reference, options=CompareOptions(structures=("pelvis",))
    )
    assert comparison.mean.dice == pytest.approx(0.5)
    assert comparison.mean.hausdorff_mm == 0
    assert comparison.mean.note == "overlap over 2 of 3 structures, distances over 1"
    assert [row.structure for row in comparison.rows] == ["hip_left", "hip_right", "sacrum", "mean"]


def test_every_undefined_number_has_a_note():
    reference, test = labelmap(BOX), labelmap(NOTHING)
    for row in compare_labelmaps(reference, test).scores:
        assert row.note or defined(row) == set(NUMBERS)


@pytest.mark.parametrize("surface", ["surfel", "voxel"])
def test_a_single_voxel_has_a_surface(surface):
    voxel = box_mask((5, 5, 5), (2, 2, 2), (3, 3, 3))
    options = CompareOptions(structures=("hip_left",), surface=surface)
    score = compare_labelmaps(labelmap(voxel), labelmap(voxel), options=options).score("hip_left")
    assert (score.dice, score.nsd, score.hausdorff_mm) == (1, 1, 0)


@pytest.mark.parametrize("surface", ["surfel", "voxel"])
def test_a_structure_that_fills_the_image_is_closed_at_its_edge(surface):
    everything = np.ones((6, 6, 6), dtype=bool)
    options = CompareOptions(structures=("hip_left",), surface=surface)
    score = compare_labelmaps(labelmap(everything), labelmap(everything), options=options).score("hip_left")
    assert (score.dice, score.assd_mm) == (1, 0)
    assert score.note == "touches the image's edge"


@pytest.mark.parametrize("shape", [(1, 8, 8), (8, 1, 8), (8, 8, 1), (1, 1, 1)])
@pytest.mark.parametrize("surface", ["surfel", "voxel"])
def test_an_image_one_voxel_thick_is_compared(shape, surface):
    mask = np.ones(shape, dtype=bool)
    options = CompareOptions(structures=("hip_left",), surface=surface)
    assert compare_labelmaps(labelmap(mask), labelmap(mask), options=options).score("hip_left").dice == 1


def test_padding_the_image_with_air_changes_no_number():
    reference, test = blob_mask(1), blob_mask(2)
    reference[[0, -1]] = test[[0, -1]] = False
    padded = [labelmap(np.pad(mask, 4)) for mask in (reference, test)]
    one = compare_labelmaps(labelmap(reference), labelmap(test), options=HIP).score("hip_left")
    other = compare_labelmaps(*padded, options=HIP).score("hip_left")
    for name in NUMBERS:
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-12), name


@pytest.mark.parametrize("surface", ["surfel", "voxel"])
def test_what_lies_outside_the_mask_is_not_compared(surface):
    reference, test = blob_mask(1), blob_mask(2)
    spoiled = test.copy()
    spoiled[:, :, 24:] = ~spoiled[:, :, 24:]
    mask = labelmap(box_mask(reference.shape, (0, 0, 0), (30, 40, 24)))
    options = CompareOptions(structures=("hip_left",), surface=surface, mask=mask)
    clean = compare_labelmaps(labelmap(reference), labelmap(test), options=options)
    dirty = compare_labelmaps(labelmap(reference), labelmap(spoiled), options=options)
    assert clean.score("hip_left") == dirty.score("hip_left")
    assert any(remark.startswith("Limited to a mask of") for remark in clean.remarks)


@pytest.mark.parametrize("surface", ["surfel", "voxel"])
def test_a_mask_inside_a_structure_leaves_no_surface_and_says_so(surface):
    reference = box_mask((20, 20, 20), (2, 2, 2), (18, 18, 18))
    mask = labelmap(box_mask((20, 20, 20), (6, 6, 6), (12, 12, 12)))
    options = CompareOptions(structures=("hip_left",), surface=surface, mask=mask)
    score = compare_labelmaps(labelmap(reference), labelmap(reference), options=options).score("hip_left")
    assert score.dice == 1
    assert math.isnan(score.assd_mm)
    assert score.note == "the mask leaves no surface: distances are not defined"


def test_labels_that_are_no_bone_are_told():
    reference = labelmap(BOX, label=77)
    remarks = compare_labelmaps(reference, reference).remarks
    assert "Labels of the reference that were not compared: 77." in remarks


def test_other_structures_than_the_ten_bones_are_compared_by_the_names_that_their_maps_give():
    screw, plate = foreign_structure(7, "screw"), foreign_structure(2, "plate")
    reference = replace(labelmap(BOX, label=7), structures=(screw,))
    # The test calls another value "screw" and knows something more.
    test = replace(labelmap(BOX, label=7), structures=(replace(screw, label=2), replace(plate, label=7)))
    comparison = compare_labelmaps(reference, test)
    assert [score.structure for score in comparison.scores] == ["screw", "plate"]
    assert comparison.score("screw").note.startswith("absent from the test")
    assert comparison.score("plate").note.startswith("absent from the reference")
    assert comparison.name("screw") == "Screw"
    assert [remark.split(":")[0] for remark in comparison.remarks] == ["Nothing overlaps"]


def test_a_structure_that_no_label_map_knows_is_refused():
    with pytest.raises(UsageError, match="skull"):
        compare_labelmaps(labelmap(BOX), labelmap(BOX), options=CompareOptions(structures=("skull",)))


def test_an_image_of_numbers_is_no_label_map():
    image = LabelMap(BOX.astype(float), Geometry.from_spacing((10, 10, 10), (1, 1, 1)))
    with pytest.raises(InputError, match="no label map"):
        compare_labelmaps(image, labelmap(BOX))


def test_a_comparison_can_be_cancelled():
    with pytest.raises(Cancelled):
        compare_labelmaps(labelmap(BOX), labelmap(BOX), is_cancelled=lambda: True)


@pytest.mark.parametrize("wrong", [{"surface": "mesh"}, {"tolerance_mm": -1.0}, {"tolerance_mm": math.nan}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(UsageError):
        CompareOptions(**wrong)
