"""What a worker does with a case that it is given: once, with one model, and only with the right one."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from BoneSegLib.batch import on_worker
from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.folder import OutputFolder
from BoneSegLib.batch.job import Plan, open_job
from BoneSegLib.batch.on_worker import Sent, do_case_here
from BoneSegLib.batch.record import DONE, FAILED
from BoneSegLib.errors import Cancelled, InputError, MissingError
from BoneSegLib.options import SegmentOptions
from Testing.support.batches import write_cases
from Testing.support.nnunet_folder import write_quick_folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_quick_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture
def sent(model, tmp_path) -> Sent:
    folder = OutputFolder(tmp_path / "out", ".seg.nrrd")
    folder.prepare()
    plan = Plan(folder=folder, options=SegmentOptions(model=model, device="cpu", precision="fp32"))
    on_worker._opened.cache_clear()
    return Sent(plan=plan, model_sha256=open_job(plan).model_sha256)


@pytest.fixture
def case(tmp_path) -> Case:
    return Case("p0", write_cases(tmp_path / "in", 1, "p{number}.nii.gz") / "p0.nii.gz")


def test_what_is_sent_survives_the_journey(sent, case):
    assert pickle.loads(pickle.dumps((sent, case))) == (sent, case)
    broken = replace(case, problem=InputError("Damaged.", cause="Cut off.", remedy="Copy it again."))
    assert str(pickle.loads(pickle.dumps(broken)).problem) == "Damaged. Cut off. Copy it again."


def test_a_case_whose_record_is_there_is_not_done_again(sent, case, monkeypatch):
    first = do_case_here(case, sent)
    assert first.status == DONE

    def refuse(*_arguments, **_options):
        raise AssertionError("it was done again")

    monkeypatch.setattr(on_worker, "attempt_case", refuse)
    assert do_case_here(case, sent).output_bytes == first.output_bytes


def test_a_result_that_comes_after_that_of_another_worker_is_dropped(sent, case, monkeypatch):
    """This worker was thought lost while it computed, and the case was done elsewhere meanwhile."""
    from BoneSegLib.inference import engine

    real = engine.segment

    def while_it_computes(*arguments, **options):
        with monkeypatch.context() as patch:
            patch.setattr(engine, "segment", real)
            patch.setattr(on_worker, "_ONE_AT_A_TIME", on_worker.threading.Lock())
            do_case_here(case, sent)
        return real(*arguments, **options)

    monkeypatch.setattr(engine, "segment", while_it_computes)
    record = do_case_here(case, sent)
    path = sent.plan.folder.output(case.name)
    assert record.output_bytes == path.stat().st_size
    assert sent.plan.folder.finished(case) is not None


def test_the_model_is_opened_once_for_all_cases(sent, tmp_path, monkeypatch):
    folder = write_cases(tmp_path / "in", 3, "p{number}.nii.gz")
    opened = []
    real = on_worker.open_job
    monkeypatch.setattr(on_worker, "open_job", lambda plan: opened.append(plan) or real(plan))
    for number in range(3):
        assert do_case_here(Case(f"p{number}", folder / f"p{number}.nii.gz"), sent).status == DONE
    assert len(opened) == 1


def test_a_bad_case_is_a_record_and_not_an_exception(sent, tmp_path):
    (tmp_path / "bad.nii.gz").write_text("not an image")
    record = do_case_here(Case("bad", tmp_path / "bad.nii.gz"), sent)
    assert record.status == FAILED
    assert record.error is not None
    assert record.error["kind"] == "invalid input"


@pytest.mark.parametrize("change", [{"version": "0.0"}, {"model_sha256": "other"}])
def test_a_worker_with_another_program_or_model_refuses(sent, case, change):
    with pytest.raises(MissingError):
        do_case_here(case, replace(sent, **change))


def test_a_cancelled_batch_stops_workers_that_nobody_reaches_otherwise(sent, case):
    sent.plan.folder.stop.touch()
    with pytest.raises(Cancelled):
        do_case_here(case, sent)
    assert not sent.plan.folder.output(case.name).exists()
