"""`boneseg batch` as people call it: cohorts with bad files among good ones, references, and what ends them early."""

from __future__ import annotations

import json

import numpy as np
import pytest

from BoneSegLib.cli import main
from Testing.support.batches import SHAPE, SPACING, batch, outputs, rows_of, save, statuses, voxels, write_cases
from Testing.support.phantoms import two_blocks


def test_a_bad_file_among_good_ones_fails_alone_and_is_listed_with_what_to_do(model, tmp_path, capsys):
    data, out = write_cases(tmp_path / "in", 2), tmp_path / "out"
    (data / "site0" / "bad.nii.gz").write_text("not an image")
    capsys.readouterr()
    assert batch(model, data, "-o", out, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["done"], told["failed"]) == (2, 1)
    assert statuses(out) == {"site0/bad": "failed", "site0/p0": "done", "site1/p1": "done"}
    assert list(outputs(out)) == ["site0/p0", "site1/p1"]
    (failed,) = (row for row in rows_of(out / "cases.csv") if row["status"] == "failed")
    assert failed["error"] == "invalid input"
    assert "not a NIfTI image" in failed["message"]
    assert failed["remedy"]
    assert json.loads((out / "cases.json").read_text())["cases"] == told["cases"]
    measured = rows_of(out / "statistics.csv")
    assert {row["case"] for row in measured} == {"site0/p0", "site1/p1"}
    assert all(0 < float(row["confidence"]) <= 1 and row["flags"] for row in measured), (
        "blocks are no bones of a person"
    )
    assert "bad.nii.gz" in (out / "report.html").read_text()


def test_a_case_of_a_batch_is_what_segment_makes_of_it(model, tmp_path):
    data = write_cases(tmp_path / "in", 1)
    assert batch(model, data, "-o", tmp_path / "out") == 0
    alone = tmp_path / "alone.seg.nrrd"
    image = data / "site0" / "p0.nii.gz"
    options = ("--model", str(model), "--device", "cpu", "--precision", "fp32")
    assert main(["segment", str(image), "-o", str(alone), *options]) == 0
    assert np.array_equal(voxels(tmp_path / "out" / "site0" / "p0.seg.nrrd"), voxels(alone))


def test_references_give_one_table_over_all_cases_and_structures(model, tmp_path):
    data, out = write_cases(tmp_path / "in", 2), tmp_path / "out"
    _, labels = two_blocks(SHAPE, SPACING)
    save(tmp_path / "truth" / "site0" / "p0.nii.gz", np.array([0, 70, 1], np.uint8)[labels])
    truth = ["--references", tmp_path / "truth", "--reference-labels", "ball=70", "box=1"]
    assert batch(model, data, "-o", out, *truth, "--format", "nii.gz") == 0
    rows = rows_of(out / "comparison.csv")
    assert [(row["case"], row["structure"]) for row in rows] == [("site0/p0", "ball"), ("site0/p0", "box")]
    assert voxels(out / "site0" / "p0.nii.gz").shape == SHAPE
    ours = voxels(out / "site0" / "p0.nii.gz") == 1
    dice = 2 * np.count_nonzero(ours & (labels == 1)) / (np.count_nonzero(ours) + np.count_nonzero(labels == 1))
    assert float(rows[0]["dice"]) == pytest.approx(dice)
    assert "Agreement with the references" in (out / "report.html").read_text()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--quality", "best"], 2),
        (["--structures", "skull"], 2),
        (["--references", "missing"], 3),
        (["--reference-labels", "skull=91"], 2),
        (["--reference-labels", "ball"], 2),
        (["--device", "cuda:99"], 4),
    ],
)
def test_what_would_make_every_case_fail_ends_the_batch_before_the_first(model, tmp_path, more, code):
    data = write_cases(tmp_path / "in", 1)
    assert batch(model, data, "-o", tmp_path / "out", *more) == code
    assert not (tmp_path / "out" / "cases.csv").exists()


def test_what_nobody_foresaw_ends_one_case_only(model, tmp_path, monkeypatch):
    data, out = write_cases(tmp_path / "in", 2), tmp_path / "out"
    from BoneSegLib.inference import engine

    real = engine.segment
    calls: list[int] = []

    def fails_first(*arguments, **options):
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("nobody thought of this")
        return real(*arguments, **options)

    monkeypatch.setattr("BoneSegLib.inference.engine.segment", fails_first)
    assert batch(model, data, "-o", out) == 1
    assert statuses(out) == {"site0/p0": "failed", "site1/p1": "done"}
    assert "nobody thought of this" in rows_of(out / "cases.csv")[0]["cause"]
