"""`boneseg` as people call it: what it writes, what it says, how it ends."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from BoneSegLib.cli import main
from Testing.support.nnunet_folder import write_quick_folder
from Testing.support.phantoms import two_blocks


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_quick_folder(tmp_path_factory.mktemp("model"))


def save_image(array: np.ndarray, path: Path, *, spacing=(1.5, 1.5, 2.0), is_vector: bool = False) -> Path:
    image = sitk.GetImageFromArray(array, isVector=is_vector)
    image.SetSpacing(spacing[: image.GetDimension()])
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def a_ct(tmp_path) -> Path:
    volume, _ = two_blocks((40, 50, 48), (1.5, 1.5, 2.0))
    return save_image(volume.array, tmp_path / "ct.nii.gz")


def run_quietly(*words: object) -> int:
    return main([str(word) for word in words])


def segment(ct: Path, output: Path, model: Path, *more: object) -> int:
    return run_quietly("segment", ct, "-o", output, "--model", model, "--device", "cpu", "--precision", "fp32", *more)


@pytest.mark.parametrize("suffix", [".seg.nrrd", ".nii.gz", ".nrrd", ".mha"])
def test_a_segmentation_is_written_in_each_format_on_the_grid_of_the_ct(a_ct, model, tmp_path, suffix):
    output = tmp_path / f"bones{suffix}"
    assert segment(a_ct, output, model) == 0
    written, image = sitk.ReadImage(str(output)), sitk.ReadImage(str(a_ct))
    if suffix != ".seg.nrrd":  # a segmentation file is cropped to its segments
        assert written.GetSize() == image.GetSize()
    assert written.GetSpacing() == pytest.approx(image.GetSpacing())


def test_json_is_one_object_on_standard_output_and_all_else_on_standard_error(a_ct, model, tmp_path, capsys):
    output = tmp_path / "bones.seg.nrrd"
    statistics = tmp_path / "bones.csv"
    capsys.readouterr()
    assert segment(a_ct, output, model, "--json", "--statistics", statistics) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["output"] == str(output)
    assert told["info"]["device"] == "cpu"
    assert len(told["info"]["model_sha256"]) == 64
    assert [structure["id"] for structure in told["structures"]] == ["ball", "box"]
    with statistics.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["ball", "box"]
    assert int(rows[0]["voxels"]) == told["structures"][0]["voxels"]
    assert [float(row["confidence"]) for row in rows] == [one["confidence"] for one in told["structures"]]
    assert [row["flags"] for row in rows] == ["; ".join(one["flags"]) for one in told["structures"]]


def test_a_region_limits_the_labels_to_a_box(a_ct, model, tmp_path):
    output = tmp_path / "bones.nii.gz"
    assert segment(a_ct, output, model, "--roi", "-60,-20,-60,-20,0,60") == 0
    labels = sitk.ReadImage(str(output))
    for k, j, i in np.argwhere(sitk.GetArrayFromImage(labels)):
        x, y, z = labels.TransformIndexToPhysicalPoint((int(i), int(j), int(k)))
        assert 20 - 1.5 <= x <= 60 + 1.5  # the file is LPS, the region RAS
        assert 20 - 1.5 <= y <= 60 + 1.5
        assert -2 <= z <= 62


def test_a_report_is_one_page_with_pictures(a_ct, model, tmp_path):
    report = tmp_path / "report.html"
    assert segment(a_ct, tmp_path / "bones.nii.gz", model, "--report", report) == 0
    page = report.read_text()
    assert page.count('<div class="sides">') == 3
    assert "Not for clinical use" in page
    assert "http://" not in page


def test_only_the_structures_asked_for_are_written(a_ct, model, tmp_path, capsys):
    capsys.readouterr()
    assert segment(a_ct, tmp_path / "bones.seg.nrrd", model, "--structures", "box", "--json") == 0
    assert [structure["id"] for structure in json.loads(capsys.readouterr().out)["structures"]] == ["box"]


def _nothing(path: Path) -> Path:
    return path / "missing.nii.gz"


def _text(path: Path) -> Path:
    (path / "ct.nii.gz").write_text("not an image")
    return path / "ct.nii.gz"


def _truncated(path: Path) -> Path:
    volume, _ = two_blocks((40, 50, 48), (1.5, 1.5, 2.0))
    file = save_image(volume.array, path / "ct.nii.gz")
    file.write_bytes(file.read_bytes()[:-2000])
    return file


def _image(array: np.ndarray, name: str = "ct.nrrd", **options) -> Callable[[Path], Path]:
    return lambda path: save_image(array, path / name, **options)


def _ct_like(value: float | None = None) -> np.ndarray:
    volume, _ = two_blocks((40, 50, 48), (1.5, 1.5, 2.0))
    array = volume.array.astype(np.float32)
    if value is not None:
        array[3, 4, 5] = value
    return array


RNG = np.random.default_rng(0)
BAD_INPUT = {
    "a missing file": (_nothing, 3, "does not exist"),
    "a text": (_text, 3, "not a NIfTI image"),
    "an empty folder": (lambda path: path, 3, "DICOM"),
    "a truncated file": (_truncated, 3, "ct.nii.gz"),
    "a flat image": (_image(RNG.normal(0, 100, (50, 50)).astype(np.float32), "ct.mha"), 3, "not a 3D image"),
    "a single slice": (_image(_ct_like()[:1]), 3, "not a 3D image"),
    "a colour image": (_image(RNG.integers(0, 255, (9, 50, 50, 3)).astype(np.uint8), is_vector=True), 3, "colour"),
    "NaN": (_image(_ct_like(np.nan)), 3, "NaN"),
    "infinity": (_image(_ct_like(np.inf)), 3, "infinite"),
    "a blank image": (_image(np.full((20, 20, 20), 5, np.int16)), 3, "blank"),
    "an absurd spacing": (_image(_ct_like(), spacing=(1e-4, 1.0, 1.0)), 3, "spacing"),
    "a label map": (_image(RNG.integers(0, 11, (40, 50, 48)).astype(np.uint8)), 3, "label map"),
    "an MR": (_image(RNG.integers(0, 900, (40, 50, 48)).astype(np.int16)), 3, "Hounsfield"),
}


@pytest.mark.parametrize("kind", BAD_INPUT)
def test_bad_input_ends_with_what_is_wrong_and_nothing_written(kind, model, tmp_path, capsys):
    make, code, said = BAD_INPUT[kind]
    folder = tmp_path / "input"
    folder.mkdir()
    output = tmp_path / "bones.seg.nrrd"
    output.write_text("the result of yesterday")
    assert segment(make(folder), output, model) == code
    message = capsys.readouterr().err
    assert said.lower() in message.lower()
    assert len(message.strip().splitlines()) >= 2, "what to do next should be told too"
    assert output.read_text() == "the result of yesterday"
    assert [path.name for path in tmp_path.iterdir()] in (["input", "bones.seg.nrrd"], ["bones.seg.nrrd", "input"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["segment"], 2, "required"),
        (["frobnicate"], 2, "invalid choice"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--quality", "best"], 2, "quality"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--device", "tpu"], 2, "tpu"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--device", "cuda:7"], 4, "not available"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--structures", "knee"], 2, "knee"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--folds", "7"], 2, "fold"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--roi", "1,2,3"], 2, "region"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--roi", "900,950,900,950,900,950"], 3, "outside"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--roi", ""], 2, "region"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--roi", "nan,60,-60,60,0,60"], 2, "region"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--structures", ""], 2, "structure"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--series", "1.2.3"], 2, "--series"),
        (["segment", "CT", "-o", "OUT.stl"], 3, "--meshes"),
        (["segment", "CT", "-o", "NOWHERE/deep/OUT.seg.nrrd"], 3, "folder"),
        (["segment", "CT", "-o", "OUT.seg.nrrd", "--model", "EMPTY"], 3, "model"),
    ],
)
def test_wrong_usage_and_unusable_places_have_their_exit_code(words, code, said, a_ct, model, tmp_path, capsys):
    (tmp_path / "EMPTY").mkdir()
    places = {"CT": a_ct, "EMPTY": tmp_path / "EMPTY"}
    words = [places.get(word, tmp_path / word if word.startswith(("OUT", "NOWHERE")) else word) for word in words]
    if "--model" not in words and len(words) > 1:
        words += ["--model", model]
    assert run_quietly(*words) == code
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("OUT*"))


def test_a_model_folder_that_was_tampered_with_is_refused(a_ct, tmp_path, capsys):
    folder = write_quick_folder(tmp_path / "model")
    checkpoint = folder / "fold_0" / "checkpoint_final.pth"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    assert segment(a_ct, tmp_path / "bones.seg.nrrd", folder) == 3
    assert "damaged" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told_before_the_work(a_ct, model, tmp_path, capsys):
    (tmp_path / "locked").mkdir(mode=0o500)
    assert segment(a_ct, tmp_path / "locked" / "bones.seg.nrrd", model) == 3
    assert "writable" in capsys.readouterr().err


def test_force_goes_on_and_notes_the_warning(model, tmp_path, capsys):
    ct = save_image(RNG.integers(0, 900, (40, 50, 48)).astype(np.int16), tmp_path / "mr.nrrd")
    assert segment(ct, tmp_path / "bones.nii.gz", model, "--force", "--json") == 0
    assert any("Hounsfield" in warning for warning in json.loads(capsys.readouterr().out)["warnings"])


def test_an_error_is_also_one_json_object(model, tmp_path, capsys):
    assert segment(tmp_path / "missing.nii.gz", tmp_path / "bones.nii.gz", model, "--json") == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["exit_code"] == 3
    assert error["remedy"]


def test_an_interrupted_run_ends_with_130_and_leaves_the_old_result(a_ct, model, tmp_path, monkeypatch, capsys):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("BoneSegLib.inference.engine.segment", interrupted)
    output = tmp_path / "bones.nii.gz"
    output.write_text("the result of yesterday")
    assert segment(a_ct, output, model) == 130
    assert output.read_text() == "the result of yesterday"


def test_the_module_is_run_as_the_command_is():
    done = subprocess.run([sys.executable, "-m", "BoneSegLib", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("boneseg ")


def test_doctor_tells_versions_and_nothing_personal(capsys):
    code = run_quietly("doctor", "--json")
    report = json.loads(capsys.readouterr().out)
    assert code == (report["problems"][0]["exit_code"] if report["problems"] else 0)
    assert report["packages"]["torch"]
    assert str(Path.home()) not in json.dumps(report)


def test_doctor_tells_what_cannot_be_done_without_an_optional_package(monkeypatch, capsys):
    monkeypatch.setattr("BoneSegLib.commands.doctor.OPTIONAL", {"torch": "figures", "no-such-package": "magic"})
    run_quietly("doctor")
    told = capsys.readouterr().out
    assert "without no-such-package: no magic" in told
    assert "without torch" not in told


def test_models_info_and_verify_take_any_model_folder(model, capsys):
    assert run_quietly("models", "info", model, "--json") == 0
    assert json.loads(capsys.readouterr().out)["structures"] == ["ball", "box"]
    assert run_quietly("models", "verify", model, "--json") == 0
    assert json.loads(capsys.readouterr().out)["ok"]


@pytest.mark.parametrize("name", ["bundled", "boneseg-bones-1"])
def test_the_bundled_model_has_a_name(name, capsys):
    assert run_quietly("models", "info", name, "--json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "boneseg-bones-1"


def test_a_folder_goes_before_a_name(model, tmp_path, monkeypatch, capsys):
    (tmp_path / "bundled").symlink_to(model)
    monkeypatch.chdir(tmp_path)
    assert run_quietly("models", "info", "bundled", "--json") == 0
    assert json.loads(capsys.readouterr().out)["structures"] == ["ball", "box"]


def test_a_model_is_exported_once_and_never_over_a_folder(model, tmp_path, capsys):
    target = tmp_path / "copy"
    assert run_quietly("models", "export", model, "-o", target) == 0
    assert (target / "plans.json").is_file()
    assert run_quietly("models", "export", model, "-o", target) == 3
