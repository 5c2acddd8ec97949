"""What judges a model, on labels whose right answer is known: distortions, cleaning, plausibility, the page."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID, foreign_structure
from BoneSegLib.evaluation.cohort import Cohort
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.training.assessment.assess import Assessment
from BoneSegLib.training.assessment.cleaning import STEPS, dice_after_steps, dice_by_structure
from BoneSegLib.training.assessment.distortions import DISTORTIONS, add_noise, cut_field, mirror, thicken, turn
from BoneSegLib.training.assessment.label_free import dense_share, plausibility_of, volumes_ml
from BoneSegLib.training.assessment.page import summarise, write_assessment
from BoneSegLib.training.assessment.references import Judged
from BoneSegLib.volume import LabelMap, Volume
from Testing.support.phantoms import lps_geometry

HIPS = (BY_ID["hip_left"], BY_ID["hip_right"])
SHAPE = (20, 16, 24)


def _case(spacing=(1.0, 1.0, 2.0)) -> Judged:
    """A left (i high) and a right block in a CT on an LPS grid; the left one is denser."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[6:14, 5:11, 15:21], labels[6:14, 5:11, 3:9] = 1, 2
    array = np.select([labels == 1, labels == 2], [700, 400], -50).astype(np.int16)
    grid = lps_geometry(SHAPE, spacing)
    return Judged("blocks", Volume(array, grid), LabelMap(labels, grid, HIPS))


@pytest.mark.parametrize("kind", DISTORTIONS)
def test_the_first_level_of_each_distortion_changes_nothing(kind):
    case, distortion = _case(), DISTORTIONS[kind]
    same = distortion.apply(case, distortion.levels[0])
    np.testing.assert_array_equal(same.image.array, case.image.array)
    np.testing.assert_array_equal(same.reference.array, case.reference.array)
    assert same.image.geometry.matches(case.image.geometry)


@pytest.mark.parametrize("kind", DISTORTIONS)
def test_image_and_reference_stay_on_one_grid_and_the_left_block_stays_the_dense_one(kind):
    distortion = DISTORTIONS[kind]
    changed = distortion.apply(_case(), distortion.levels[1])
    assert changed.image.geometry.matches(changed.reference.geometry)
    dense = np.median(changed.image.array[changed.reference.array == 1])
    assert dense == pytest.approx(400 if kind == "mirror" else 700, abs=25)


def test_noise_has_the_deviation_that_was_asked_for():
    case = _case()
    added = add_noise(case, 50).image.array.astype(float) - case.image.array
    assert added.std() == pytest.approx(50, rel=0.05)


def test_noise_leaves_values_beyond_sixteen_bits_as_they_are():
    case = _case()
    large = replace(case, image=replace(case.image, array=case.image.array.astype(np.int32) + 40_000))
    np.testing.assert_array_equal(add_noise(large, 0).image.array, large.image.array)


def test_slices_of_any_thickness_are_means_of_the_parts_that_lie_in_them():
    """Slice k has the value 6 k and is 2 mm thick: one of 3 mm holds the first and half of the second."""
    case = _case()
    case.image.array[:] = 6 * np.arange(len(case.image.array))[:, None, None]
    thick = thicken(case, 3.0)
    assert thick.image.geometry.spacing == pytest.approx((1.0, 1.0, 3.0))
    assert thick.image.array[:3, 0, 0].tolist() == [2, 10, 20]
    assert len(thick.image.array) == len(case.image.array) * 2 // 3
    assert thicken(case, 1.5) is case


def test_thick_slices_are_means_and_lie_in_the_middle_of_what_they_replace():
    case = _case(spacing=(1.0, 1.0, 2.0))
    thick = thicken(case, 4.0)
    np.testing.assert_allclose(thick.image.array[3, 8], case.image.array[6:8, 8].mean(axis=0), atol=1)
    assert thick.image.geometry.spacing == pytest.approx((1.0, 1.0, 4.0))
    expected = case.image.geometry.ijk_to_ras @ [0, 0, 0.5, 1]
    assert thick.image.geometry.origin == pytest.approx(expected[:3])


def test_the_field_of_view_is_cut_at_both_ends_and_voxels_stay_where_they_are():
    case = _case()
    cut = cut_field(case, 0.4)
    assert cut.image.array.shape[0] == 12
    np.testing.assert_array_equal(cut.image.array, case.image.array[4:16])
    expected = case.image.geometry.ijk_to_ras @ [0, 0, 4, 1]
    assert cut.image.geometry.origin == pytest.approx(expected[:3])


def test_a_turned_patient_keeps_his_bones_volume_in_a_straight_image():
    case = _case(spacing=(1.0, 1.0, 1.0))
    turned = turn(case, 30)
    before, after = volumes_ml(case.reference), volumes_ml(turned.reference)
    assert after == pytest.approx(before, rel=0.1)
    assert turned.image.geometry.tilt_degrees == pytest.approx(0, abs=1e-6)
    assert dice_by_structure(turned.reference, turned.reference) == {"hip_left": 1.0, "hip_right": 1.0}


def test_a_mirror_swaps_the_names_of_sides_so_that_left_stays_left():
    mirrored = mirror(_case(), 1)
    places = {label: np.argwhere(mirrored.reference.array == label)[:, 2].mean() for label in (1, 2)}
    assert places[1] > places[2]
    assert np.median(mirrored.image.array[mirrored.reference.array == 1]) == 400


def test_each_step_of_cleaning_has_its_effect_on_the_dice():
    case = _case()
    raw = case.reference.array.copy()
    raw[9, 8, 18] = 0  # a hole
    raw[0, 0, 0] = 1  # an island
    raw[17:20, 0:4, 15:21] = 1  # a large false piece
    found = dice_after_steps(LabelMap(raw, case.reference.geometry, HIPS), case.reference)
    assert list(found) == list(STEPS)
    left = {step: dice["hip_left"] for step, dice in found.items()}
    false = 3 * 4 * 6
    assert left["none"] == pytest.approx(2 * 287 / (288 + 287 + 1 + false))
    assert left["islands"] == pytest.approx(2 * 287 / (288 + 287 + false))
    assert left["holes"] == pytest.approx(2 * 288 / (288 + 288 + 1 + false))
    assert left["largest piece alone"] == pytest.approx(2 * 287 / (288 + 287))
    assert all(dice["hip_right"] == 1.0 for dice in found.values())


def test_structures_are_matched_by_id_whatever_their_values():
    grid = lps_geometry((4, 4, 4), (1.0, 1.0, 1.0))
    ours, theirs = np.full((4, 4, 4), 1, np.uint8), np.full((4, 4, 4), 9, np.uint8)
    found = dice_by_structure(
        LabelMap(theirs, grid, (foreign_structure(9, "liver"),)),
        LabelMap(ours, grid, (foreign_structure(1, "liver"), foreign_structure(2, "spleen"))),
    )
    assert found["liver"] == 1.0
    assert math.isnan(found["spleen"])


def test_plausibility_counts_pieces_and_dense_voxels_that_have_no_label():
    case = _case()
    labels = case.reference.array.copy()
    labels[6:14, 5:8, 15:21] = 0  # half of the left block is missed
    labels[10, 9, 3:9] = 0
    labels[6:14, 7, 3:9] = 0  # the right one falls into two pieces
    found = {
        row.structure: row
        for row in plausibility_of(case.image, LabelMap(labels, case.reference.geometry, HIPS), is_ct=True)
    }
    assert found["hip_left"].volume_ml == pytest.approx(144 * 2 / 1000)
    assert found["hip_left"].dense_share == 1.0
    assert found["hip_right"].pieces == 2
    assert found["hip_right"].dense_share == pytest.approx((labels == 2).sum() / 288)


def test_swapped_sides_are_flagged():
    case = _case()
    swapped = np.array([0, 2, 1], np.uint8)[case.reference.array]
    rows = plausibility_of(case.image, LabelMap(swapped, case.reference.geometry, HIPS), is_ct=True)
    assert all("side doubtful" in row.flags for row in rows)


def test_the_dense_share_of_an_empty_result_is_not_defined():
    case = _case()
    assert math.isnan(dense_share(case.image, LabelMap(np.zeros(SHAPE, np.uint8), case.reference.geometry, HIPS)))


def test_the_page_and_the_tables_hold_what_was_measured(tmp_path):
    case = _case()
    rows = tuple(
        {"case": "blocks", "kind": "noise", "level": level, "structure": name, "dice": dice}
        for level, dice in ((0.0, 0.9), (50.0, 0.5))
        for name in ("hip_left", "hip_right")
    )
    assessment = Assessment(
        model="m",
        version="1",
        quality="full",
        accuracy=Cohort.of({"blocks": compare_labelmaps(case.reference, case.reference)}),
        cleaning=({"case": "blocks", "step": "none", "structure": "hip_left", "dice": 0.8},),
        robustness=rows,
        negatives=({"case": "chest", "hip_left": 1.5, "total_ml": 1.5},),
        plausibility=(),
    )
    write_assessment(assessment, tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["mean_dice"] == 1.0
    assert summary["dice_by_case"] == {"mean": 1.0, "median": 1.0, "mean_of_2_ml_or_more": None}, "blocks of 0.3 ml"
    assert summary["robustness"] == {"noise": {"0": 0.9, "50": 0.5}}
    assert summary["false_positive_ml"] == {"chest": 1.5}
    assert (tmp_path / "robustness_noise.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| case | hip_left | hip_right | mean |" in page
    assert "| blocks | 1.00 | 1.00 | 1.00 |" in page
    assert "| blocks | 0.00 | 0.00 | 0.00 |" in page
    assert "| none | 0.8000 |" in page


def test_slivers_and_bones_that_are_not_there_are_left_out_of_one_mean():
    def row(case, structure, dice, ml):
        return {"case": case, "structure": structure, "dice": dice, "volume_reference_ml": ml, "hausdorff95_mm": 1.0,
                "assd_mm": 1.0}  # fmt: skip

    rows = [row("a", "hip_left", 0.9, 300.0), row("a", "hip_right", 0.0, 0.2),
            row("b", "hip_left", 0.8, 200.0), row("b", "hip_right", 0.6, 150.0),
            row("c", "hip_left", 0.0, 0.0), row("c", "hip_right", 0.9, 2.0)]  # fmt: skip
    nothing = dict.fromkeys(("cleaning", "robustness", "negatives", "plausibility"), ())
    found = summarise(Assessment(model="m", version="1", quality="full", accuracy=Cohort(tuple(rows)), **nothing))
    assert found["dice_by_case"] == pytest.approx({"mean": 1.6 / 3, "median": 0.45, "mean_of_2_ml_or_more": 2.5 / 3})
