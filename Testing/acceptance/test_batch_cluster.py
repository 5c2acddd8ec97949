"""A batch on several workers, real processes that are killed, frozen and cut off: no case is lost or done twice."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from Testing.support.batches import TEMPORARY, batch, outputs, save, start, statuses, voxels, wait_until
from Testing.support.broken_network import network_to
from Testing.support.dask_processes import cluster, workers_below
from Testing.support.phantoms import two_blocks

pytest.importorskip("distributed")
# 27 windows of the tiny network a case, and not one: a kill comes in the middle.
LARGE, SPACING = (64, 64, 64), (1.5, 1.5, 2.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("in")
    volume, _ = two_blocks(LARGE, SPACING)
    for number in range(6):
        save(folder / f"p{number}.nii.gz", np.roll(volume.array, number, axis=1))
    return folder


@pytest.fixture(scope="module")
def alone(data, model, tmp_path_factory) -> dict[str, np.ndarray]:
    """What one process makes of the cases."""
    out = tmp_path_factory.mktemp("alone")
    assert batch(model, data, "-o", out) == 0
    return {case: voxels(path) for case, path in outputs(out).items()}


def done(out: Path) -> int:
    return len(list((out / ".boneseg" / "cases").rglob("*.json")))


def same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """But for rounding: a worker computes with fewer threads than a process alone, which adds up in another order."""
    return ours.shape == theirs.shape and float((ours == theirs).mean()) >= 0.999


def check(out: Path, said: str, alone: dict[str, np.ndarray]) -> None:
    """All cases are there as one process makes them, each told of once, and nothing else lies about."""
    assert statuses(out) == dict.fromkeys(alone, "done"), said
    for case, path in outputs(out).items():
        assert same(voxels(path), alone[case]), case
    told = Counter(re.findall(r"^\[\d+/\d+\] (\S+):", said, re.MULTILINE))
    assert told == dict.fromkeys(alone, 1), said
    assert list(out.rglob(TEMPORARY)) == []


def test_workers_that_are_killed_in_the_middle_are_replaced_and_no_case_is_lost(data, model, alone, tmp_path):
    out = tmp_path / "out"
    process = start(model, data, "-o", out, "--workers", "2")
    killed = 0
    deadline = time.monotonic() + 400
    while process.poll() is None and killed < 2:
        assert time.monotonic() < deadline
        if done(out) > killed:
            time.sleep(0.5)
            workers = workers_below(process)
            if workers:
                workers[killed % len(workers)].kill()
                killed += 1
        time.sleep(0.05)
    _, said = process.communicate(timeout=400)
    assert killed == 2
    assert process.returncode == 0, said
    check(out, said, alone)


def test_ctrl_c_stops_the_workers_and_a_single_process_goes_on(data, model, alone, tmp_path):
    out = tmp_path / "out"
    process = start(model, data, "-o", out, "--scheduler", "local", "--workers", "2")
    wait_until(lambda: done(out) >= 1, process)
    children = workers_below(process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 130, said
    assert "--resume" in said
    assert not any(child.is_running() and child.status() != "zombie" for child in children)
    finished = outputs(out)
    assert 1 <= len(finished) < len(alone)
    before = {case: path.stat().st_mtime_ns for case, path in finished.items()}
    assert batch(model, data, "-o", out, "--resume") == 0
    assert {case: path.stat().st_mtime_ns for case, path in outputs(out).items() if case in before} == before
    for case, path in outputs(out).items():
        assert same(voxels(path), alone[case]), case


@pytest.mark.slow
def test_a_worker_that_hangs_is_left_behind_and_its_late_result_changes_nothing(data, model, alone, tmp_path):
    out = tmp_path / "out"
    with cluster(tmp_path, DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL="10s") as running:
        frozen = running.add_worker()
        process = start(model, data, "-o", out, "--scheduler", running.address)
        wait_until(lambda: done(out) >= 1, process)
        time.sleep(0.5)
        frozen.send_signal(signal.SIGSTOP)
        running.add_worker()
        _, said = process.communicate(timeout=400)
        assert process.returncode == 0, said
        check(out, said, alone)
        before = {case: path.stat().st_mtime_ns for case, path in outputs(out).items()}
        frozen.send_signal(signal.SIGCONT)
        time.sleep(10)
        assert {case: path.stat().st_mtime_ns for case, path in outputs(out).items()} == before


@pytest.mark.slow
def test_a_lost_scheduler_ends_the_batch_with_4_and_it_resumes_elsewhere(data, model, alone, tmp_path):
    out = tmp_path / "out"
    with cluster(tmp_path) as running:
        running.add_worker()
        process = start(model, data, "-o", out, "--scheduler", running.address)
        wait_until(lambda: done(out) >= 1, process)
        running.scheduler.kill()
        _, said = process.communicate(timeout=300)
    assert process.returncode == 4, said
    assert "--resume" in said
    assert batch(model, data, "-o", out, "--resume") == 0
    assert statuses(out) == dict.fromkeys(alone, "done")
    for case, path in outputs(out).items():
        assert same(voxels(path), alone[case]), case


NOTES_WHAT_IT_WRITES = """
from pathlib import Path
from BoneSegLib.batch import one_case
def write_outputs(case, *more, write=one_case._write_outputs):
    with Path(LOG).open("a") as log:
        log.write(case.name + "\\n")
    return write(case, *more)
# Dask runs this more than once.
if one_case._write_outputs.__name__ != "write_outputs":
    one_case._write_outputs = write_outputs
"""


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["cut", "stall"])
@pytest.mark.parametrize("side", ["worker", "batch"])
def test_the_network_to_the_scheduler_breaks_and_heals_and_each_case_is_written_once(
    data, model, alone, tmp_path, side, trouble
):
    out = tmp_path / "out"
    three = {case: alone[case] for case in sorted(alone)[:3]}
    # Dask loads a copy of the file, so it is told where to write.
    log = tmp_path / "written.log"
    (tmp_path / "noting.py").write_text(f"LOG = {str(log)!r}\n{NOTES_WHAT_IT_WRITES}")
    noting = ("--preload", str(tmp_path / "noting.py"))
    with cluster(tmp_path) as running, network_to(running.address) as network:
        worker = running.add_worker(*noting, through=network.address if side == "worker" else None)
        address = network.address if side == "batch" else running.address
        process = start(model, *(data / f"{case}.nii.gz" for case in three), "-o", out, "--scheduler", address)
        wait_until(lambda: done(out) >= 1, process)
        time.sleep(0.5)
        assert network.connections > 0
        getattr(network, trouble)()
        time.sleep(8)
        network.heal()
        if (side, trouble) == ("worker", "cut"):
            # Dask's workers end when their scheduler is gone; what started them starts others.
            worker.wait(timeout=180)
            running.add_worker(*noting, through=network.address)
        _, said = process.communicate(timeout=400)
        assert process.returncode == 0, said
        if (side, trouble) != ("worker", "cut"):
            assert worker.poll() is None, "the same worker went on"
    check(out, said, three)
    assert Counter(log.read_text().split()) == dict.fromkeys(three, 1)


PRELOAD = """
import os, signal
from BoneSegLib.batch import on_worker, reading
def read_case(case, **options):
    if case.name == "p2":
        os.kill(os.getpid(), signal.SIGKILL)
    return reading.read_case(case, **options)
on_worker.read_case = read_case
"""


@pytest.mark.slow
def test_a_case_that_takes_every_worker_down_fails_alone(data, model, alone, tmp_path):
    out = tmp_path / "out"
    (tmp_path / "deadly.py").write_text(PRELOAD)
    with cluster(tmp_path) as running:
        workers = [running.add_worker("--preload", str(tmp_path / "deadly.py")) for _ in range(2)]
        process = start(model, data, "-o", out, "--scheduler", running.address)
        while process.poll() is None:
            for number, worker in enumerate(workers):
                if worker.poll() is not None:
                    workers[number] = running.add_worker("--preload", str(tmp_path / "deadly.py"))
            time.sleep(0.2)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert statuses(out) == {case: "failed" if case == "p2" else "done" for case in alone}
    assert "out of memory or disk" in said


def test_a_scheduler_that_does_not_answer_is_told(model, data, tmp_path, monkeypatch):
    monkeypatch.setattr("BoneSegLib.batch.connection._SECONDS_TO_CONNECT", 2)
    assert batch(model, data, "-o", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9") == 4


def test_without_dask_the_error_says_what_to_install(model, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert batch(model, data, "-o", tmp_path / "out", "--workers", "2") == 4
    assert "pip install" in capsys.readouterr().err
