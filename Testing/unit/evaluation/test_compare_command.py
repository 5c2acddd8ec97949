"""`boneseg compare` from files to files."""

from __future__ import annotations

import json

import pytest
from evaluation_shapes import blob_mask, box_mask, labelmap

from BoneSegLib.cli import main
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.headless.write import write_labelmap


@pytest.fixture
def files(tmp_path):
    """A reference and a test as NIfTI and NRRD, and their label maps."""
    reference, test = labelmap(blob_mask(1), (2.0, 0.9, 0.7)), labelmap(blob_mask(2), (2.0, 0.9, 0.7))
    write_labelmap(reference, tmp_path / "reference.nii.gz")
    write_labelmap(test, tmp_path / "test.nrrd")
    return tmp_path, reference, test


def test_the_table_goes_to_the_file_and_to_the_terminal(files, capsys):
    folder, reference, test = files
    table = folder / "scores.csv"
    assert main(["compare", str(folder / "reference.nii.gz"), str(folder / "test.nrrd"), "-o", str(table)]) == 0
    out = capsys.readouterr().out
    assert "Left hip bone" in out
    expected = compare_labelmaps(reference, test).score("hip_left").dice
    row = table.read_text(encoding="utf-8").splitlines()[1].split(",")
    assert row[0] == "hip_left" and float(row[1]) == pytest.approx(expected, abs=1e-12)


def test_json_is_one_object_on_standard_output(files, capsys):
    folder, _, _ = files
    words = ["compare", str(folder / "reference.nii.gz"), str(folder / "test.nrrd"), "--json", "--surface", "voxel"]
    assert main([*words, "--structures", "pelvis", "--tolerance", "1"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [row["structure"] for row in data["structures"]] == ["hip_left", "hip_right", "sacrum"]
    assert data["definitions"]["surface"] == "voxel" and data["definitions"]["tolerance_mm"] == 1.0
    assert data["reference"] == "reference.nii.gz"


def test_a_mask_limits_the_comparison(files, capsys):
    folder, reference, _ = files
    write_labelmap(
        labelmap(box_mask(reference.array.shape, (0, 0, 0), (30, 40, 20)), (2.0, 0.9, 0.7)), folder / "m.nrrd"
    )
    words = ["compare", str(folder / "reference.nii.gz"), str(folder / "test.nrrd"), "--mask", str(folder / "m.nrrd")]
    assert main([*words, "--json"]) == 0
    assert any("Limited to a mask" in remark for remark in json.loads(capsys.readouterr().out)["remarks"])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["missing.nii.gz", "test.nrrd"], 3),
        (["reference.nii.gz", "test.nrrd", "--structures", "skull"], 2),
        (["reference.nii.gz", "test.nrrd", "--surface", "mesh"], 2),
        (["reference.nii.gz", "test.nrrd", "--tolerance", "-1"], 2),
        (["reference.nii.gz"], 2),
        (["reference.nii.gz", "test.nrrd", "-o", "no/such/folder/scores.csv"], 3),
    ],
)
def test_what_is_wrong_is_told_by_exit_code(files, words, code, monkeypatch, capsys):
    monkeypatch.chdir(files[0])
    assert main(["compare", *words]) == code
    assert capsys.readouterr().err.startswith("boneseg: ")
