"""A batch that was stopped, killed or ran out of disk, and gone on with."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np

from BoneSegLib.errors import ResourceError
from Testing.support.batches import (
    SHAPE,
    SPACING,
    TEMPORARY,
    batch,
    outputs,
    save,
    start,
    statuses,
    voxels,
    wait_until,
    write_cases,
)
from Testing.support.phantoms import two_blocks


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


def test_a_batch_that_is_begun_again_says_that_it_replaces_what_is_done(model, tmp_path, capsys):
    data, out = write_cases(tmp_path / "in", 2), tmp_path / "out"
    assert batch(model, data, "-o", out) == 0
    assert "--resume keeps them" not in capsys.readouterr().err
    assert batch(model, data, "-o", out) == 0
    assert "2 of 2 cases are done already, and are done again" in capsys.readouterr().err
    assert batch(model, data, "-o", out, "--resume") == 0
    assert "2 of 2 cases are done already.\n" in capsys.readouterr().err


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
