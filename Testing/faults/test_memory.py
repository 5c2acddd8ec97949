"""Memory that does not suffice: the run ends with its exit code, and nothing is written or left."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib import SegmentOptions, Volume, segment
from BoneSegLib.errors import ResourceError
from BoneSegLib.inference import engine
from BoneSegLib.volume import Geometry
from Testing.faults.conftest import segment_words, write_image
from Testing.faults.trials import OLD
from Testing.support.warm_process import Limits


@pytest.fixture(scope="module")
def a_large_image(tmp_path_factory):
    return write_image(tmp_path_factory.mktemp("large") / "ct.nii", (160, 200, 200))


def starved(process, place, words, megabytes):
    """How a run ends that may take only so much more memory, after a look that the old output is as it was."""
    output = place.folder / "bones.nii.gz"
    output.write_bytes(OLD)
    limits = Limits(headroom=megabytes * 2**20)
    ended = process.call("BoneSegLib.cli:main", words, limits=limits, environment=place.environment)
    assert output.read_bytes() == OLD
    assert place.files() == {"bones.nii.gz"}
    return ended


@pytest.mark.parametrize("megabytes", [60, 75, 90])
def test_a_run_that_runs_out_of_memory_says_so_and_leaves_the_old_output(
    a_warm_process, a_place, a_model, a_large_image, megabytes
):
    words = segment_words(a_large_image, a_model, a_place.folder / "bones.nii.gz")
    ended = starved(a_warm_process, a_place, words, megabytes)
    assert ended.code == ResourceError.exit_code, ended
    assert "memory" in ended.stderr


@pytest.mark.parametrize("megabytes", [2, 8, 16, 24, 32, 40])
def test_so_little_memory_that_a_library_ends_the_process_leaves_the_old_output_too(
    a_warm_process, a_place, a_model, a_large_image, megabytes
):
    """Where VTK itself gets no memory, it ends the process, which nothing can prevent."""
    words = segment_words(a_large_image, a_model, a_place.folder / "bones.nii.gz")
    ended = starved(a_warm_process, a_place, words, megabytes)
    assert ended.code == ResourceError.exit_code or ended.code < 0, ended


def test_the_same_run_with_enough_memory_succeeds(a_warm_process, a_place, a_model, an_image):
    words = segment_words(an_image, a_model, a_place.folder / "bones.nii.gz")
    ended = a_warm_process.call("BoneSegLib.cli:main", words, environment=a_place.environment)
    assert ended.code == 0, ended
    assert a_place.files() == {"bones.nii.gz"}


A_VOLUME = Volume(
    np.random.default_rng(0).integers(-1000, 1000, (20, 24, 28)).astype(np.int16),
    Geometry.from_spacing((28, 24, 20), (2.0, 2.0, 2.0)),
)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"),
    ],
    ids=lambda error: str(error)[:20],
)
def test_a_graphics_card_without_memory_hands_the_run_to_the_processor(a_model, monkeypatch, error):
    run_stage, devices = engine.run_stage, []

    def failing_once(task, *args, **more):
        devices.append(task.device.type)
        if len(devices) == 1:
            raise error
        return run_stage(task, *args, **more)

    monkeypatch.setattr(engine, "run_stage", failing_once)
    # There is no such device here; "meta" stands for it up to the failure.
    monkeypatch.setattr(engine, "choose_device", lambda _: torch.device("meta"))
    labels = segment(A_VOLUME, SegmentOptions(model=a_model, precision="fp32", force=True))
    assert devices == ["meta", "cpu"]
    assert labels.info["device"] == "cpu"
    assert any("did not suffice" in str(note) for note in labels.info["notes"])


def test_a_processor_without_memory_after_the_graphics_card_is_told(a_model, monkeypatch):
    def failing(task, *args, **more):
        raise torch.OutOfMemoryError("CUDA out of memory.") if task.device.type == "meta" else MemoryError()

    monkeypatch.setattr(engine, "run_stage", failing)
    monkeypatch.setattr(engine, "choose_device", lambda _: torch.device("meta"))
    with pytest.raises(ResourceError):
        segment(A_VOLUME, SegmentOptions(model=a_model, precision="fp32", force=True))
