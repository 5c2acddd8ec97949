"""`boneseg batch` as people call it: whole cohorts, stopped and resumed, with bad files among good ones."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from BoneSegLib.cli import main
from BoneSegLib.errors import ResourceError
from Testing.scene.dicom_files import write_series
from Testing.support.nnunet_folder import write_quick_folder
from Testing.support.phantoms import two_blocks

REPOSITORY = Path(__file__).resolve().parents[2]
ENTRY = REPOSITORY / "BoneSeg" / "batch.py"
# The network's own grid and patch: one window a case.
SHAPE, SPACING = (32, 32, 32), (1.5, 1.5, 2.0)
TEMPORARY = "*.part*"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_quick_folder(tmp_path_factory.mktemp("model"))


def save(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    sitk.WriteImage(image, str(path))
    return path


def write_cases(folder: Path, count: int, name: str = "site{site}/p{number}.nii.gz") -> Path:
    for number in range(count):
        volume, _ = two_blocks(SHAPE, SPACING, seed=number)
        save(folder / name.format(site=number % 2, number=number), volume.array)
    return folder


def words(model: Path, *more: object) -> list[str]:
    return ["batch", "--model", str(model), "--device", "cpu", "--precision", "fp32", *map(str, more)]


def batch(model: Path, *more: object) -> int:
    return main(words(model, *more))


def start(model: Path, *more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "BoneSegLib", *words(model, *more)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 240
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def statuses(folder: Path) -> dict[str, str]:
    return {row["case"]: row["status"] for row in rows_of(folder / "cases.csv")}


def outputs(folder: Path) -> dict[str, Path]:
    found = sorted(folder.rglob("*.seg.nrrd"))
    return {path.relative_to(folder).as_posix().removesuffix(".seg.nrrd"): path for path in found}


def voxels(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


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
    assert {row["case"] for row in rows_of(out / "statistics.csv")} == {"site0/p0", "site1/p1"}
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
    save(tmp_path / "truth" / "site0" / "p0.nii.gz", labels)
    assert batch(model, data, "-o", out, "--references", tmp_path / "truth", "--format", "nii.gz") == 0
    rows = rows_of(out / "comparison.csv")
    assert [(row["case"], row["structure"]) for row in rows] == [("site0/p0", "ball"), ("site0/p0", "box")]
    assert voxels(out / "site0" / "p0.nii.gz").shape == SHAPE
    ours = voxels(out / "site0" / "p0.nii.gz") == 1
    dice = 2 * np.count_nonzero(ours & (labels == 1)) / (np.count_nonzero(ours) + np.count_nonzero(labels == 1))
    assert float(rows[0]["dice"]) == pytest.approx(dice)
    assert "Agreement with the references" in (out / "report.html").read_text()


def test_a_reference_that_cannot_be_read_fails_its_case_but_keeps_the_segmentation(model, tmp_path):
    data, out = write_cases(tmp_path / "in", 1), tmp_path / "out"
    reference = tmp_path / "truth" / "site0" / "p0.nii.gz"
    reference.parent.mkdir(parents=True)
    reference.write_text("not an image")
    assert batch(model, data, "-o", out, "--references", tmp_path / "truth") == 1
    output = outputs(out)["site0/p0"]
    before = output.read_bytes()
    save(reference, two_blocks(SHAPE, SPACING)[1])
    assert batch(model, data, "-o", out, "--references", tmp_path / "truth", "--resume") == 0
    assert statuses(out) == {"site0/p0": "done"}
    assert np.array_equal(voxels(output), voxels(save_bytes(tmp_path / "before.seg.nrrd", before)))


def save_bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_killed_batch_resumes_to_the_same_result_and_leaves_nothing_half_written(model, tmp_path):
    data, out, whole = write_cases(tmp_path / "in", 4), tmp_path / "out", tmp_path / "whole"
    process = start(model, data, "-o", out)
    wait_until(
        lambda: list(statuses(out).values()).count("done") >= 1 if (out / "cases.csv").is_file() else False, process
    )
    process.kill()
    process.communicate()
    before = {case: path.stat().st_mtime_ns for case, path in outputs(out).items() if statuses(out)[case] == "done"}
    assert 1 <= len(before) < 4
    (out / "site0" / ".0a1b2c3d.part.p0.seg.nrrd").write_bytes(b"half")
    assert batch(model, data, "-o", out, "--resume") == 0
    assert batch(model, data, "-o", whole) == 0
    assert {case: path.stat().st_mtime_ns for case, path in outputs(out).items() if case in before} == before
    assert list(outputs(out)) == list(outputs(whole))
    for case, path in outputs(out).items():
        assert np.array_equal(voxels(path), voxels(outputs(whole)[case])), case
    assert (out / "statistics.csv").read_bytes() == (whole / "statistics.csv").read_bytes()
    assert list(out.rglob(TEMPORARY)) == []
    assert set(statuses(out).values()) == {"done"}


def test_resuming_does_again_what_is_missing_or_cut_off_and_nothing_else(model, tmp_path):
    data, out = write_cases(tmp_path / "in", 3), tmp_path / "out"
    assert batch(model, data, "-o", out) == 0
    found = outputs(out)
    kept = found["site0/p0"].stat().st_mtime_ns
    good = voxels(found["site0/p2"])
    found["site0/p2"].write_bytes(found["site0/p2"].read_bytes()[:-100])
    found["site1/p1"].unlink()
    assert batch(model, data, "-o", out, "--resume") == 0
    assert found["site0/p0"].stat().st_mtime_ns == kept
    assert np.array_equal(voxels(found["site0/p2"]), good)
    assert found["site1/p1"].is_file()
    assert batch(model, data, "-o", out, "--resume", "--quality", "fast") == 2, "one cohort, one way"


def test_an_output_whose_record_was_lost_is_measured_and_not_computed_again(model, tmp_path, monkeypatch):
    data, out = write_cases(tmp_path / "in", 1), tmp_path / "out"
    assert batch(model, data, "-o", out) == 0
    table = (out / "statistics.csv").read_bytes()
    (out / ".boneseg" / "cases" / "site0" / "p0.json").unlink()

    def refuse(*_arguments, **_options):
        raise AssertionError("the network ran again")

    monkeypatch.setattr("BoneSegLib.inference.engine.segment", refuse)
    assert batch(model, data, "-o", out, "--resume") == 0
    assert (out / "statistics.csv").read_bytes() == table


def test_ctrl_c_ends_with_130_and_keeps_the_finished_cases(model, tmp_path):
    data, out = write_cases(tmp_path / "in", 6), tmp_path / "out"
    process = start(model, data, "-o", out)
    wait_until(
        lambda: list(statuses(out).values()).count("done") >= 1 if (out / "cases.csv").is_file() else False, process
    )
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "--resume" in said
    counts = list(statuses(out).values())
    assert counts.count("done") >= 1
    assert counts.count("waiting") >= 1
    assert list(out.rglob(TEMPORARY)) == []
    assert len(outputs(out)) == counts.count("done")
    assert "waiting" in (out / "report.html").read_text()


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


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--quality", "best"], 2),
        (["--structures", "skull"], 2),
        (["--references", "missing"], 3),
        (["--device", "cuda:99"], 4),
    ],
)
def test_what_would_make_every_case_fail_ends_the_batch_before_the_first(model, tmp_path, more, code):
    data = write_cases(tmp_path / "in", 1)
    assert batch(model, data, "-o", tmp_path / "out", *more) == code
    assert not (tmp_path / "out" / "cases.csv").exists()


def test_a_full_disk_ends_the_batch_at_once_and_it_resumes_when_there_is_room(model, tmp_path, monkeypatch, capsys):
    data, out = write_cases(tmp_path / "in", 3), tmp_path / "out"
    assert batch(model, data, "-o", out) == 0
    calls = []

    def full(*_arguments, **_options):
        calls.append(1)
        raise ResourceError("The disk is full.", remedy="Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr("BoneSegLib.headless.write.write_segmentation", full)
        assert batch(model, data, "-o", out) == 5
    assert len(calls) == 1
    assert set(statuses(out).values()) == {"waiting"}
    assert len(outputs(out)) == 3, "what was there stays until it can be replaced"
    assert batch(model, data, "-o", out, "--resume") == 0
    assert set(statuses(out).values()) == {"done"}


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


def test_inputs_that_do_not_exist_or_hold_no_ct_end_with_3(model, tmp_path):
    (tmp_path / "empty").mkdir()
    for given in ("missing", "empty", "*.nii.gz"):
        assert batch(model, tmp_path / given, "-o", tmp_path / "out") == 3


def test_the_entry_for_slicer_takes_the_same_arguments_and_ends_with_the_same_codes(model, tmp_path):
    data, out = write_cases(tmp_path / "in", 1), tmp_path / "out"

    def run(*more: object) -> int:
        command = [sys.executable, str(ENTRY), *words(model, *more)[1:]]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, cwd=tmp_path, env=environment, timeout=280, capture_output=True).returncode

    assert run(data, "-o", out) == 0
    assert list(outputs(out)) == ["site0/p0"]
    assert run(tmp_path / "missing", "-o", out) == 3


def load_entry() -> ModuleType:
    spec = importlib.util.spec_from_file_location("boneseg_batch_entry", ENTRY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("arguments", "code"), [(["missing", "-o", "out"], 3), (["--nonsense"], 2), (["--help"], 0)])
def test_inside_slicer_the_application_is_told_to_end_with_the_code(tmp_path, monkeypatch, arguments, code):
    import slicer

    ended: list[int] = []
    application = SimpleNamespace(commandOptions=SimpleNamespace, exit=ended.append)
    monkeypatch.setattr(slicer, "app", application, raising=False)
    monkeypatch.chdir(tmp_path)
    entry = load_entry()
    entry.end(entry.main(arguments))
    assert ended == [code]


@pytest.mark.slow
def test_memory_stays_flat_over_many_small_cases(model, tmp_path):
    """Peak memory after 200 cases is that after 40, but for what the index itself takes."""
    volume, _ = two_blocks(SHAPE, SPACING)
    image = save(tmp_path / "ct.nii.gz", volume.array)
    code = (
        "import resource, sys\n"
        "from BoneSegLib.batch import runner\n"
        "real, seen = runner.write_index, []\n"
        "def spy(rows, folder):\n"
        "    real(rows, folder)\n"
        "    seen.append(int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize())\n"
        "runner.write_index = spy\n"
        "from BoneSegLib.cli import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "print(seen[40], seen[-1])\n"
    )
    rows = "".join(f"c{number},{image}\n" for number in range(200))
    (tmp_path / "list.csv").write_text("case,image\n" + rows)
    command = [sys.executable, "-c", code, *words(model, tmp_path / "list.csv", "-o", tmp_path / "out")]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=3000, check=True).stdout
    early, late = map(int, said.splitlines()[-1].split())
    assert late - early < 30e6
