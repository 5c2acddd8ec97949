"""Runs through a real worker process: results, cancel, crashes, and nothing left behind."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.errors import Cancelled, InternalError, ModelError, ResourceError
from BoneSegLib.options import SegmentOptions
from BoneSegLib.volume import Geometry, LabelMap, Volume
from BoneSegLib.worker.client import WorkerClient
from BoneSegLib.worker.events import Compared, Estimated, Failed, Finished, Progressed
from BoneSegLib.worker.process import Launch
from BoneSegLib.worker.shared_memory import PREFIX
from Testing.worker.processes import children, lives, workers

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to see processes")

FAKES = "Testing.worker.fake_engine"
TIMEOUT_S = 30.0


def _leftovers() -> set[str]:
    places = [Path("/dev/shm"), Path(tempfile.gettempdir())]
    return {str(path) for place in places if place.is_dir() for path in place.glob(f"{PREFIX}*") if path.is_file()}


def _launch(engine: str, *more: str) -> Launch:
    return Launch(arguments=("--engine", f"{FAKES}:{engine}", "--estimator", f"{FAKES}:estimate", *more))


@pytest.fixture
def a_client() -> Iterator[Callable[..., WorkerClient]]:
    """Makes clients on a fake engine. Afterwards no process and no shared memory may be left."""
    made: list[WorkerClient] = []
    before = _leftovers()

    def make(engine: str, *more: str) -> WorkerClient:
        made.append(WorkerClient(_launch(engine, *more)))
        return made[-1]

    yield make
    for client in made:
        client.close()
    assert workers() == set()
    assert _leftovers() - before == set()


@pytest.fixture
def a_volume() -> Volume:
    array = np.full((20, 30, 40), -100, np.int16)
    array[2:18, 5:25, 5:35] = 500
    return Volume(array, Geometry.from_spacing((40, 30, 20), (1.0, 1.5, 2.0), origin=(3.0, -7.0, 11.0)))


def _until(client: WorkerClient, *kinds: type) -> list:
    """Polls until an event of one of the kinds has come; returns all events."""
    events: list = []
    give_up = time.monotonic() + TIMEOUT_S
    while not any(isinstance(event, kinds) for event in events):
        assert time.monotonic() < give_up, f"only {events} after {TIMEOUT_S} s; {client.last_lines}"
        events += client.poll()
        time.sleep(0.005)
    return events


def _until_gone(process: int) -> None:
    give_up = time.monotonic() + TIMEOUT_S
    while lives(process):
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_a_run_gives_labels_on_the_volumes_grid_with_everything_known_about_them(a_client, a_volume):
    client = a_client("segment")
    client.segment(a_volume, SegmentOptions(structures=("sacrum", "vertebra_L5"), quality="fast"))
    *progress, last = _until(client, Finished, Failed)
    assert isinstance(last, Finished), last
    labels = last.labels
    assert labels.geometry is a_volume.geometry
    assert [structure.id for structure in labels.structures] == ["sacrum", "vertebra_L5"]
    assert np.array_equal(labels.array != 0, a_volume.array > 200)
    assert set(np.unique(labels.array)) == {0, 3, 10}
    assert labels.info["quality"] == "fast"
    assert progress and all(isinstance(event, Progressed) for event in progress)


def test_the_second_run_uses_the_process_of_the_first(a_client, a_volume):
    client = a_client("segment")
    processes = []
    for _ in range(2):
        client.segment(a_volume, SegmentOptions())
        processes.append(_until(client, Finished, Failed)[-1].labels.info["process"])
    assert processes[0] == processes[1]


def test_labels_stay_readable_after_the_worker_is_gone(a_client, a_volume):
    client = a_client("segment")
    client.segment(a_volume, SegmentOptions())
    labels = _until(client, Finished, Failed)[-1].labels
    client.close()
    assert np.array_equal(labels.array != 0, a_volume.array > 200)


def test_the_image_has_no_name_on_disk_once_the_worker_has_opened_it(a_client, a_volume):
    before = _leftovers()
    client = a_client("slow")
    client.segment(a_volume, SegmentOptions())
    _until(client, Progressed)
    assert _leftovers() - before == set()


@pytest.mark.parametrize("engine", ["slow", "deaf"])
def test_cancel_takes_less_than_a_second_even_in_the_middle_of_a_window(a_client, a_volume, engine):
    client = a_client(engine)
    client.segment(a_volume, SegmentOptions())
    _until(client, Progressed)
    tree = {client.process_id, *children(client.process_id)}
    asked = time.monotonic()
    client.cancel()
    last = _until(client, Finished, Failed)[-1]
    took = time.monotonic() - asked
    assert isinstance(last.error, Cancelled)
    assert took < 1.0
    assert not client.is_running
    if engine == "deaf":
        assert len(tree) > 1
        for process in tree:
            _until_gone(process)


def test_a_worker_that_stops_in_time_stays_for_the_next_run(a_client, a_volume):
    client = a_client("slow")
    client.segment(a_volume, SegmentOptions())
    _until(client, Progressed)
    process = client.process_id
    client.cancel()
    _until(client, Failed)
    assert client.process_id == process
    client.segment(a_volume, SegmentOptions())
    _until(client, Progressed)
    assert client.process_id == process


def test_cancel_before_the_image_is_handed_over_needs_no_worker(a_client, a_volume):
    client = a_client("deaf")
    client.segment(a_volume, SegmentOptions())
    client.cancel()
    assert isinstance(_until(client, Failed)[-1].error, Cancelled)


def test_a_killed_worker_is_reported_as_out_of_memory_and_the_next_run_works(a_client, a_volume):
    client = a_client("slow")
    client.segment(a_volume, SegmentOptions())
    _until(client, Progressed)
    os.kill(client.process_id, signal.SIGKILL)
    error = _until(client, Failed, Finished)[-1].error
    assert isinstance(error, ResourceError)
    assert error.cause and error.remedy
    client.segment(a_volume, SegmentOptions())
    assert _until(client, Progressed)


def test_a_crash_is_reported_as_such_with_its_cause(a_client, a_volume):
    client = a_client("crashing")
    client.segment(a_volume, SegmentOptions())
    error = _until(client, Failed, Finished)[-1].error
    assert isinstance(error, InternalError)
    assert "crashed" in error.message
    assert error.remedy


def test_an_error_of_the_engine_arrives_as_the_kind_that_it_was(a_client, a_volume):
    client = a_client("refusing")
    client.segment(a_volume, SegmentOptions())
    error = _until(client, Failed, Finished)[-1].error
    assert isinstance(error, ModelError)
    assert (error.message, error.cause, error.remedy) == (
        "The model is incomplete.",
        "A file is missing.",
        "Copy it again.",
    )


def test_an_unforeseen_error_is_told_without_paths(a_client, a_volume):
    client = a_client("faulty")
    client.segment(a_volume, SegmentOptions())
    error = _until(client, Failed, Finished)[-1].error
    assert isinstance(error, InternalError)
    assert "file.py" in error.cause
    assert "someone" not in error.cause


def test_what_libraries_print_disturbs_nothing(a_client, a_volume):
    client = a_client("noisy")
    client.segment(a_volume, SegmentOptions())
    assert isinstance(_until(client, Finished, Failed)[-1], Finished)


def test_only_the_last_estimate_asked_for_is_told(a_client, a_volume):
    client = a_client("segment")
    for quality in ("full", "fast"):
        client.estimate(a_volume.geometry, SegmentOptions(quality=quality))
    events = _until(client, Estimated)
    assert [event.estimate.seconds for event in events] == [20.0]


def test_an_estimate_that_fails_is_answered_too(a_client, a_volume):
    client = a_client("segment")
    client.estimate(a_volume.geometry, SegmentOptions(device="cuda:63"))
    (answer,) = _until(client, Estimated)
    assert answer.estimate is None
    assert answer.error.message == "There is no such device."


def test_an_idle_worker_ends_by_itself_and_is_started_again(a_client, a_volume):
    client = a_client("segment", "--idle", "0.2")
    client.start()
    _until_gone(client.process_id)
    assert client.poll() == []
    client.segment(a_volume, SegmentOptions())
    assert isinstance(_until(client, Finished, Failed)[-1], Finished)


def test_the_worker_ends_with_the_process_that_started_it(tmp_path):
    code = (
        "import sys, time\n"
        "from BoneSegLib.worker.client import WorkerClient\n"
        "from BoneSegLib.worker.process import Launch\n"
        f"client = WorkerClient(Launch(arguments=('--engine', '{FAKES}:slow')))\n"
        "client.start()\n"
        "print(client.process_id, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _until_gone(worker)


def test_a_second_run_at_the_same_time_is_refused(a_client, a_volume):
    client = a_client("slow")
    client.segment(a_volume, SegmentOptions())
    with pytest.raises(InternalError):
        client.segment(a_volume, SegmentOptions())
    client.cancel()
    _until(client, Failed)


def test_a_large_image_is_handed_over_in_steps_that_take_milliseconds(a_client):
    array = np.zeros((128, 512, 512), np.int16)
    volume = Volume(array, Geometry.from_spacing((512, 512, 128), (1.0, 1.0, 1.0)))
    client = a_client("slow")
    client.segment(volume, SegmentOptions())
    steps, events = [], []
    while not events:
        # This thread's own time: other programs may have the processor in between.
        started = time.thread_time()
        events = client.poll()
        steps.append(time.thread_time() - started)
    assert np.percentile([step for step in steps if step > 1e-3], 90) < 0.04


def test_two_label_maps_are_compared_in_the_worker(a_client, a_volume):
    array = np.zeros(a_volume.array.shape, np.uint8)
    array[5:15, 5:20, 5:30] = BY_ID["sacrum"].label
    labels = LabelMap(array, a_volume.geometry)
    client = a_client("segment")
    client.compare(labels, labels, tolerance_mm=2.0)
    comparison = _until(client, Compared, Failed)[-1].comparison
    assert comparison.score("sacrum").dice == 1.0
    assert math.isnan(comparison.score("hip_left").dice)
    assert comparison.definitions["tolerance_mm"] == 2.0


def test_seeds_are_grown_in_the_worker(a_client, a_volume):
    labels = LabelMap(np.where(a_volume.array > 200, 3, 0).astype(np.uint8), a_volume.geometry, (BY_ID["sacrum"],))
    client = a_client("segment")
    client.grow_from_seeds(a_volume, labels)
    found = _until(client, Finished, Failed)[-1]
    assert isinstance(found, Finished), found
    assert np.mean(found.labels.array == labels.array) > 0.95
    assert found.labels.info["method"] == "grow from seeds"


def test_each_bone_comes_with_its_volume_and_mean_hu(a_client, a_volume):
    client = a_client("segment")
    client.segment(a_volume, SegmentOptions(structures=("sacrum",)))
    found = _until(client, Finished, Failed)[-1]
    voxels = np.count_nonzero(a_volume.array > 200)
    assert found.measures["sacrum"] == pytest.approx({"volume_ml": voxels * 3.0 / 1000, "hu_mean": 500.0})
