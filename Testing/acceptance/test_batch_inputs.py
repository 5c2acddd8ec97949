"""What can be given to a batch: folders, DICOM trees, lists; and what it says of what it leaves out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from Testing.scene.dicom_files import write_series
from Testing.support.batches import SHAPE, SPACING, batch, outputs, statuses, write_cases
from Testing.support.phantoms import two_blocks


def in_study(folder: Path, study: str) -> None:
    """Moves a series, which the writer puts into one study, into another (of as many characters)."""
    old = b"\x20\x00\x0d\x00\x1a\x00\x00\x00" + b"1.2.826.0.1.3680043.2.1143"
    for file in folder.iterdir():
        content = file.read_bytes()
        assert content.count(old) == 1
        file.write_bytes(content.replace(old, old[:8] + study.encode().ljust(26, b"\0")))


@pytest.fixture
def a_dicom_tree(tmp_path) -> Path:
    """Patient A: a scout, a thin and a thick series; B: an MR and a CT; C: a damaged series."""
    tree = tmp_path / "dicom"
    volume, _ = two_blocks(SHAPE, SPACING)
    for patient in "abc":
        (tree / patient).mkdir(parents=True)
    scout = {"image_type": "ORIGINAL\\PRIMARY\\LOCALIZER"}
    write_series(tree / "a" / "scout", volume.array[:2], volume.geometry, uid="1.2.3.1", **scout)
    write_series(tree / "a" / "thick", volume.array[:10], volume.geometry, uid="1.2.3.2")
    write_series(tree / "a" / "thin", volume.array, volume.geometry, uid="1.2.3.3")
    write_series(tree / "b" / "mr", volume.array, volume.geometry, uid="1.2.3.4", modality="MR")
    write_series(tree / "b" / "ct", volume.array, volume.geometry, uid="1.2.3.5")
    files = write_series(tree / "c" / "ct", volume.array, volume.geometry, uid="1.2.3.6")
    files[3].write_bytes(files[3].read_bytes()[:700])
    in_study(tree / "b" / "ct", "1.2.826.7")
    return tree


def test_of_a_dicom_tree_one_ct_of_each_study_is_taken_and_the_rest_is_accounted_for(
    model, a_dicom_tree, tmp_path, capsys
):
    out = tmp_path / "out"
    capsys.readouterr()
    assert batch(model, a_dicom_tree, "-o", out, "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {case["case"]: case["series"] for case in told["cases"]} == {
        "a/thin": "1.2.3.3",
        "b/ct": "1.2.3.5",
        "c/ct": None,
    }
    assert told["cases"][2]["problem"]["kind"] == "invalid input"
    why = {entry["what"].split(": ")[1]: entry["why"] for entry in told["left_out"] if ": " in entry["what"]}
    assert "localizer" in why["1.2.3.1"]
    assert "--all-series" in why["1.2.3.2"]
    assert "MR" in why["1.2.3.4"]
    assert not out.exists()
    assert batch(model, a_dicom_tree, "-o", out) == 1
    assert statuses(out) == {"a/thin": "done", "b/ct": "done", "c/ct": "failed"}


def test_all_series_and_a_folder_with_several_of_them(model, tmp_path, capsys):
    volume, _ = two_blocks(SHAPE, SPACING)
    for uid in ("1.2.3.1", "1.2.3.2"):
        write_series(tmp_path / "mixed", volume.array[:12], volume.geometry, uid=uid)
    capsys.readouterr()
    assert batch(model, tmp_path / "mixed", "-o", tmp_path / "out", "--dry-run", "--json", "--all-series") == 0
    assert [case["case"] for case in json.loads(capsys.readouterr().out)["cases"]] == ["mixed/1.2.3.1", "mixed/1.2.3.2"]


def test_a_dicom_folder_beside_an_image_of_its_name_is_told_apart_by_its_kind(model, tmp_path, capsys):
    volume, _ = two_blocks(SHAPE, SPACING)
    patient = write_cases(tmp_path / "in" / "p1", 1, "ct.nii.gz")
    write_series(patient / "ct", volume.array, volume.geometry)
    capsys.readouterr()
    assert batch(model, tmp_path / "in", "-o", tmp_path / "out", "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [case["case"] for case in told["cases"]] == ["p1/ct_dicom", "p1/ct_nii_gz"]


def test_a_list_of_cases_is_done_under_the_names_it_gives(model, tmp_path):
    data, out = write_cases(tmp_path / "in", 2, "{number}.nii.gz"), tmp_path / "out"
    (data / "list.csv").write_text("case,image,reference\nfirst,0.nii.gz,\ngroup/second,1.nii.gz,\nthird,gone.nii,\n")
    assert batch(model, data / "list.csv", "-o", out) == 1
    assert list(outputs(out)) == ["first", "group/second"]
    assert statuses(out)["third"] == "failed"


def test_a_dry_run_lists_the_cases_and_writes_nothing(model, tmp_path, capsys):
    data = write_cases(tmp_path / "in", 2)
    before = sorted(tmp_path.rglob("*"))
    capsys.readouterr()
    assert batch(model, data, "-o", tmp_path / "out", "--dry-run") == 0
    said = capsys.readouterr().out
    assert said.startswith("2 cases:")
    assert "site1/p1" in said
    assert sorted(tmp_path.rglob("*")) == before


def test_inputs_that_do_not_exist_or_hold_no_ct_end_with_3(model, tmp_path):
    (tmp_path / "empty").mkdir()
    for given in ("missing", "empty", "*.nii.gz"):
        assert batch(model, tmp_path / given, "-o", tmp_path / "out") == 3
