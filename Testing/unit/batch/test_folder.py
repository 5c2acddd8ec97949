"""The output folder: what a kill left goes, what is whole stays, inputs are never written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.folder import OutputFolder
from BoneSegLib.batch.record import DONE, Record, read_record, write_record
from BoneSegLib.errors import UsageError
from BoneSegLib.headless.atomic import replacing

CASE = Case("site/a", Path("a.nii.gz"))


@pytest.fixture
def a_folder(tmp_path) -> OutputFolder:
    folder = OutputFolder(tmp_path / "out", ".seg.nrrd")
    folder.prepare()
    folder.make_room(CASE.name)
    return folder


def finish(folder: OutputFolder, content: bytes = b"voxels", **fields) -> None:
    folder.output(CASE.name).write_bytes(content)
    values = {"status": DONE, "output": folder.output_name(CASE.name), "output_bytes": len(content), **fields}
    write_record(Record(case=CASE.name, **values), folder.record(CASE.name))


def test_a_finished_case_is_known_by_its_record_and_its_output(a_folder):
    assert a_folder.finished(CASE) is None
    finish(a_folder)
    assert a_folder.finished(CASE) is not None


def test_an_output_that_was_cut_off_or_removed_is_not_finished(a_folder):
    finish(a_folder)
    a_folder.output(CASE.name).write_bytes(b"vox")
    assert a_folder.finished(CASE) is None
    a_folder.output(CASE.name).unlink()
    assert a_folder.finished(CASE) is None


def test_a_record_that_was_cut_off_counts_as_none(a_folder):
    finish(a_folder)
    path = a_folder.record(CASE.name)
    path.write_text(path.read_text()[:40])
    assert read_record(path) is None
    assert a_folder.finished(CASE) is None


def test_a_case_that_got_a_reference_since_is_done_again(a_folder):
    finish(a_folder)
    assert a_folder.finished(Case(CASE.name, CASE.image, reference=Path("truth.nii.gz"))) is None


def test_what_a_kill_left_half_written_is_removed_and_nothing_else(a_folder):
    finish(a_folder)
    with replacing(a_folder.output(CASE.name)) as temporary:
        temporary.write_bytes(b"half")
        (a_folder.root / ".mine.part.txt").write_text("a user's file")
        before = {path for path in a_folder.root.rglob("*") if path.is_file()}
        assert a_folder.remove_half_written() == 1
        assert before - {path for path in a_folder.root.rglob("*") if path.is_file()} == {temporary}
        temporary.write_bytes(b"voxels")


def test_an_output_never_takes_the_place_of_an_input(tmp_path):
    case = Case("a", tmp_path / "a.nii.gz")
    with pytest.raises(UsageError, match="replace the input"):
        OutputFolder(tmp_path, ".nii.gz").require_apart_from((case,))
    OutputFolder(tmp_path, ".seg.nrrd").require_apart_from((case,))


def test_a_folder_made_with_other_options_is_not_gone_on_with(a_folder):
    a_folder.keep_settings({"quality": "fast"}, resume=False)
    a_folder.keep_settings({"quality": "fast"}, resume=True)
    with pytest.raises(UsageError, match="quality was fast, now it is full"):
        a_folder.keep_settings({"quality": "full"}, resume=True)
    a_folder.keep_settings({"quality": "full"}, resume=False)
