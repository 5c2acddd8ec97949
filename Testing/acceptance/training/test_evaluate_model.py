"""`boneseg evaluate-model` on the small CT model: tables, curves and a page from real runs of the network."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from BoneSegLib import SegmentOptions, segment
from BoneSegLib.cli import main
from BoneSegLib.headless.read import read_volume
from BoneSegLib.training.assessment.assess import CLEANED, NO_DISCS
from Testing.support.ball_runs import LABELS
from Testing.support.balls import ball_arrays, write_image


def _rows(path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def judged(a_ct_run, tmp_path_factory):
    """The folder of an assessment by two cases, an image without balls and one without labels."""
    folder = tmp_path_factory.mktemp("judged")
    image, labels = ball_arrays(50)
    empty = np.where(labels > 0, 40, image).astype(np.int16)
    write_image(folder / "negative" / "empty.nii.gz", empty)
    write_image(folder / "unlabelled" / "new.nii.gz", image)
    for number in (60, 61):
        image, labels = ball_arrays(number)
        write_image(folder / "cases" / f"c{number}_ct.nii.gz", image)
        write_image(folder / "cases" / f"c{number}_labels.nii.gz", np.array([0, 3, 70], np.uint8)[labels])
    (folder / "cases" / "labels.json").write_text('{"large": 3, "small": 70}')
    words = ["evaluate-model", a_ct_run.model, "-o", folder / "out", "--cases", folder / "cases",
             "--negatives", folder / "negative", "--unlabelled", folder / "unlabelled", "--postprocessing",
             "--robustness", "noise,field,mirror", "--noise", "0,600", "--field", "0,0.5", "--robustness-cases", "c60",
             "--device", "cpu", "--precision", "fp32"]  # fmt: skip
    assert main([str(word) for word in words]) == 0
    return folder / "out"


def test_every_case_and_structure_has_its_row(judged):
    rows = _rows(judged / "accuracy.csv")
    assert [(row["case"], row["structure"]) for row in rows] == [
        (case, name) for case in ("c60", "c61") for name in ("large", "small")
    ]
    assert np.mean([float(row["dice"]) for row in rows]) > 0.6
    assert all(float(row["hausdorff95_mm"]) < 20 for row in rows)


def test_noise_hurts_and_is_drawn(judged):
    dice = json.loads((judged / "summary.json").read_text())["robustness"]["noise"]
    assert dice["600"] < dice["0"] - 0.1
    assert (judged / "robustness_noise.png").stat().st_size > 1000


def test_the_first_level_of_a_distortion_is_the_accuracy_itself(judged):
    summary = json.loads((judged / "summary.json").read_text())
    dice = [float(row["dice"]) for row in _rows(judged / "accuracy.csv") if row["case"] == "c60"]
    assert summary["robustness"]["mirror"]["0"] == pytest.approx(np.mean(dice))


def test_only_the_cases_that_were_named_are_distorted(judged):
    assert {row["case"] for row in _rows(judged / "robustness.csv")} == {"c60"}


def test_post_processing_is_measured_step_by_step(judged):
    dice = json.loads((judged / "summary.json").read_text())["postprocessing"]
    mean = json.loads((judged / "summary.json").read_text())["mean_dice"]
    assert dice[CLEANED] == pytest.approx(mean)
    assert "none" in dice
    assert NO_DISCS not in dice  # there are no vertebrae


@pytest.mark.slow
def test_names_at_discs_are_a_step_of_their_own(tmp_path):
    sample = Path(__file__).resolve().parents[3] / "Resources" / "SampleData"
    words = ["evaluate-model", "bundled", "-o", tmp_path, "--quality", "fast", "--cases", sample, "--postprocessing"]
    assert main([str(word) for word in words]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["postprocessing"][CLEANED] == pytest.approx(summary["mean_dice"])
    # Whether it helps on one image is up to the weights; that it does something is not.
    assert summary["postprocessing"][NO_DISCS] != pytest.approx(summary["mean_dice"], abs=1e-5)


def test_false_positives_are_all_that_is_found_in_ml(judged, a_ct_run):
    (row,) = _rows(judged / "negatives.csv")
    image = read_volume(judged.parent / "negative" / "empty.nii.gz")
    found = segment(image, SegmentOptions(model=a_ct_run.model, device="cpu", precision="fp32", force=True))
    assert float(row["total_ml"]) == pytest.approx(np.count_nonzero(found.array) * 0.008)
    assert float(row["total_ml"]) == pytest.approx(float(row["large"]) + float(row["small"]))


def test_the_unlabelled_image_gets_a_row_per_structure_and_one_for_all(judged):
    rows = _rows(judged / "plausibility.csv")
    assert [row["structure"] for row in rows] == ["large", "small", "all"]
    assert float(rows[-1]["volume_ml"]) > 1


def test_the_page_has_a_chapter_for_each(judged):
    page = (judged / "report.md").read_text(encoding="utf-8")
    chapters = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert len(chapters) == 7


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "nothing to judge by"),
        (["--negatives", "x", "--robustness", "all"], 2, "Give --cases"),
        (["--cases", "x", "--robustness", "heat"], 2, "Unknown distortion"),
        (["--cases", "x", "--noise", "0,50"], 2, "--noise: of no effect"),
        (["--cases", "absent"], 3, "no folder"),
        (["--cases", "DATA", *LABELS, "--negatives", "absent.nii.gz"], 3, "'absent.nii.gz' does not exist"),
        (["--cases", "DATA", *LABELS, "--unlabelled", "absent.nii.gz"], 3, "'absent.nii.gz' does not exist"),
        (["--cases", "DATA", "DATA"], 3, "Two cases are called 'case0'"),
        (["--cases", "DATA", *LABELS, "--robustness", "all", "--robustness-cases", "x"], 2, "no case 'x'"),
        (["--cases", "DATA", "--labels", "liver=3"], 3, "knows no 'liver'"),
        (["--cases", "DATA", "--labels", "large=44"], 3, "holds a structure of the model"),
    ],
)
def test_what_cannot_be_judged_is_told(a_ct_run, tmp_path, capsys, words, code, message):
    words = [str(a_ct_run.data) if word == "DATA" else word for word in words]
    assert main(["evaluate-model", str(a_ct_run.model), "-o", str(tmp_path / "out"), "--device", "cpu", *words]) == code
    assert message in capsys.readouterr().err


def test_an_image_that_is_not_there_is_told_before_any_case_is_segmented(a_ct_run, tmp_path, capsys):
    words = ["--cases", a_ct_run.data, *LABELS, "--negatives", tmp_path / "absent.nii.gz"]
    assert main(["evaluate-model", str(a_ct_run.model), "-o", str(tmp_path / "out"), *map(str, words)]) == 3
    assert "Comparing" not in capsys.readouterr().err


def test_what_the_reference_cannot_have_is_not_judged(a_ct_run, tmp_path):
    words = ["evaluate-model", a_ct_run.model, "-o", tmp_path / "out", "--cases", a_ct_run.data, "--labels", LABELS[1],
             "--device", "cpu", "--precision", "fp32"]  # fmt: skip
    assert main([str(word) for word in words]) == 0
    assert {row["structure"] for row in _rows(tmp_path / "out" / "accuracy.csv")} == {LABELS[1].split("=")[0]}


def test_references_with_values_of_another_software_are_refused_until_that_is_told(tmp_path, capsys):
    image, labels = ball_arrays(50)
    (tmp_path / "cases").mkdir()
    write_image(tmp_path / "cases" / "c_ct.nii.gz", image)
    write_image(tmp_path / "cases" / "c_labels.nii.gz", np.array([0, 77, 78], np.uint8)[labels])
    words = ["evaluate-model", "bundled", "-o", str(tmp_path / "out"), "--cases", str(tmp_path / "cases")]
    assert main(words) == 3
    assert "has the values of TotalSegmentator's labels" in (said := capsys.readouterr().err)
    assert "--labels totalsegmentator" in said
    assert main([*words, "--labels", "totalsegmentator", "--quality", "fast"]) == 0
