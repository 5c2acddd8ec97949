"""The whole engine with a network whose answer is known: it says bone where the image is brighter than 300 HU."""

from __future__ import annotations

import itertools
import json
import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch

from BoneSegLib import Geometry, SegmentOptions, Volume, segment
from BoneSegLib.errors import Cancelled, NeedsConfirmation, ResourceError, UsageError
from BoneSegLib.flags import NOTHING_FOUND, flags_of, kinds
from BoneSegLib.inference import engine, stage
from BoneSegLib.inference.loading import LoadedStage, load_model
from Testing.support.nnunet_folder import DATASET_JSON, write_quick_folder

THRESHOLD_HU = 300.0


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A BoneSeg model folder of one network with two bones, which wants images in LPS."""
    folder = tmp_path_factory.mktemp("bundle")
    inner = folder / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    shutil.copytree(write_quick_folder(tmp_path_factory.mktemp("trained")), inner)
    dataset = {**DATASET_JSON, "labels": {"background": 0, "femur_left": 1, "other_bone": 2}}
    (inner / "dataset.json").write_text(json.dumps(dataset))
    manifest = {
        "name": "threshold",
        "orientation": "LPS",
        "padding": "air",
        "structures": {"femur_left": 1},
        "stages": {"fast": ["3d_fullres"], "full": ["3d_fullres"]},
    }
    (folder / "boneseg.json").write_text(json.dumps(manifest))
    return folder


def bright_is_bone(batch: torch.Tensor) -> torch.Tensor:
    """Logits of background, bone and other bone from normalised HU (see the plans of the small folder)."""
    brightness = batch[:, :1] - (THRESHOLD_HU - 500.0) / 250.0
    return torch.cat([-brightness, brightness, torch.full_like(brightness, -9.0)], dim=1)


@pytest.fixture(autouse=True)
def the_threshold_network(monkeypatch):
    monkeypatch.setattr(stage, "load_stage", lambda *_: LoadedStage((bright_is_bone,), (0, 1, 2)))


def options(model: Path, **more) -> SegmentOptions:
    return SegmentOptions(model=model, device="cpu", precision="fp32", force=True, **more)


def ball_in(geometry: Geometry, *, radius: float = 14.0) -> tuple[Volume, np.ndarray]:
    """A bright ball off the middle of a volume, and its centre in RAS mm."""
    center = geometry.corners().mean(axis=0) + np.array([4.0, -3.0, 5.0])
    k, j, i = np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij")
    ras = np.stack([i, j, k], axis=-1) @ geometry.ijk_to_ras[:3, :3].T + geometry.ijk_to_ras[:3, 3]
    distance = np.linalg.norm(ras - center, axis=-1)
    # An edge as blurred as a scanner's, the threshold half way up: resampling neither rings nor shrinks the ball.
    array = THRESHOLD_HU - 500 + 1000 / (1 + np.exp((distance - radius) / 0.8))
    return Volume(array.astype(np.int16), geometry), center


def rotation(degrees: float, axis: int) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    plane = [(1, 2), (0, 2), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[np.ix_(plane, plane)] = [[c, -s], [s, c]]
    return matrix


def sheared(degrees: float) -> np.ndarray:
    directions = np.diag([-1.0, -1.0, 1.0])
    directions[1, 2] = np.tan(np.radians(degrees))
    return directions


AXES = {
    "".join("RAS"[axis] if sign > 0 else "LPI"[axis] for axis, sign in zip(order, signs, strict=True)): np.stack(
        [np.eye(3)[axis] * sign for axis, sign in zip(order, signs, strict=True)], axis=1
    )
    for order in ((0, 1, 2), (1, 2, 0), (0, 2, 1))
    for signs in itertools.product((1, -1), repeat=3)
}
DIRECTIONS = {
    **AXES,
    "oblique by 10 degrees": rotation(10, 2),
    "oblique by 35 degrees": rotation(35, 0) @ rotation(20, 1),
    "left-handed and oblique": rotation(30, 2) @ np.diag([1.0, 1.0, -1.0]),
    "gantry tilt of 20 degrees": sheared(20),
}


@pytest.mark.parametrize("kind", DIRECTIONS)
def test_a_ball_is_found_where_it_is_in_every_kind_of_volume(kind, model):
    geometry = Geometry.from_spacing(
        (56, 50, 34), (1.1, 1.3, 2.0), origin=(12.0, -7.0, 30.0), directions=DIRECTIONS[kind]
    )
    volume, center = ball_in(geometry)
    labels = segment(volume, options(model))
    assert labels.geometry is volume.geometry
    assert set(np.unique(labels.array)) == {0, 4}
    kji = np.argwhere(labels.array)
    found = kji[:, ::-1].mean(axis=0) @ geometry.ijk_to_ras[:3, :3].T + geometry.ijk_to_ras[:3, 3]
    assert np.abs(found - center).max() < 0.5 * min(geometry.spacing)
    expected = (volume.array > THRESHOLD_HU).sum()
    assert abs(int((labels.array == 4).sum()) - int(expected)) < 0.06 * expected


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_the_type_of_the_voxels_does_not_matter(dtype, model):
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    shifted = Volume((volume.array.clip(0) if dtype == np.uint16 else volume.array).astype(dtype), volume.geometry)
    labels = segment(shifted, options(model)).array
    assert np.array_equal(labels > 0, segment(volume, options(model)).array > 0) or dtype == np.uint16
    assert (labels > 0).sum() > 1000


def test_the_volume_is_not_changed(model):
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    volume.array.setflags(write=False)
    before = volume.array.copy()
    segment(volume, options(model))
    assert np.array_equal(volume.array, before)


def test_the_same_run_twice_gives_the_same_labels(model):
    volume, _ = ball_in(Geometry.from_spacing((50, 40, 30), (1.1, 1.3, 2.0)))
    assert np.array_equal(segment(volume, options(model)).array, segment(volume, options(model)).array)


def test_progress_rises_to_one(model):
    told: list[float] = []
    volume, _ = ball_in(Geometry.from_spacing((60, 60, 30), (1.5, 1.5, 2.0)))
    segment(volume, options(model), progress=lambda fraction, message: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 4


def test_a_cancelled_run_says_so(model):
    volume, _ = ball_in(Geometry.from_spacing((60, 60, 30), (1.5, 1.5, 2.0)))
    with pytest.raises(Cancelled):
        segment(volume, options(model), is_cancelled=lambda: True)


def test_outside_of_the_region_is_background(model):
    volume, center = ball_in(Geometry.from_spacing((60, 60, 40), (1.5, 1.5, 2.0)))
    whole = segment(volume, options(model)).array
    box = tuple(v for c in center for v in (float(c), float(c) + 40))
    part = segment(volume, options(model, roi=box)).array
    first = np.floor(np.linalg.solve(volume.geometry.ijk_to_ras, [*center, 1])[:3]).astype(int)
    assert not part[: first[2]].any()
    assert not part[:, :, : first[0]].any()
    inside = (slice(first[2] + 3, None), slice(first[1] + 3, None), slice(first[0] + 3, None))
    assert (part[inside] != whole[inside]).mean() < 0.002


def test_refining_keeps_a_right_answer_and_notes_its_time(model):
    volume, _ = ball_in(Geometry.from_spacing((60, 60, 40), (1.5, 1.5, 2.0)))
    plain, refined = segment(volume, options(model)), segment(volume, options(model, refine=True))
    assert "refine" in refined.info["seconds"]
    assert (plain.array != refined.array).sum() < 0.1 * (plain.array > 0).sum()


def test_what_was_used_is_noted(model):
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    info = segment(volume, options(model)).info
    assert info["model"] == "threshold"
    assert info["device"] == "cpu"
    assert info["precision"] == "fp32"
    assert info["options"]["model"] == model.name, "a path may hold a name"
    assert set(info["versions"]) == {"boneseg", "torch", "monai", "python"}
    assert 0.5 < info["confidence"]["femur_left"] < 1.0, "two of three classes are near each other at the edge"


def test_nothing_found_is_said_plainly(model):
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    dim = Volume(np.minimum(volume.array, 250), volume.geometry)
    info = segment(dim, options(model)).info
    assert NOTHING_FOUND in info["notes"]
    assert info["flags"] == {"femur_left": [kinds.NOT_FOUND]}
    assert info["confidence"] == {}


def test_the_flags_are_noted_with_the_result(model):
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    labels = segment(volume, options(model))
    flags = flags_of(labels)
    assert labels.info["flags"] == flags
    assert kinds.SMALL in flags["femur_left"]
    assert NOTHING_FOUND not in labels.info["notes"]


def test_a_bone_that_the_region_of_interest_cuts_is_noted_as_such(model):
    volume, (r, a, s) = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    half = (r - 20, r, a - 20, a + 20, s - 20, s + 20)
    assert segment(volume, options(model, roi=half)).info["flags"] == {"femur_left": [kinds.CUT_BY_REGION]}
    around = (r - 20, r + 20, *half[2:])
    assert segment(volume, options(model, roi=around)).info["flags"] == {"femur_left": [kinds.SMALL]}


def test_a_suspicious_image_is_not_segmented_unasked(model):
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    positive = Volume(volume.array + 500, volume.geometry)
    with pytest.raises(NeedsConfirmation):
        segment(positive, SegmentOptions(model=model, device="cpu", precision="fp32"))


def test_an_absent_fold_is_wrong_usage(model):
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    with pytest.raises(UsageError, match="fold"):
        segment(volume, options(model, folds=("3",)))


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")]
)
def test_running_out_of_memory_is_told_as_such(error, model, monkeypatch):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(engine, "run_stage", fail)
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    with pytest.raises(ResourceError) as raised:
        segment(volume, options(model))
    assert raised.value.exit_code == 5


def test_a_graphics_card_without_enough_memory_hands_over_to_the_cpu(model, monkeypatch):
    kept = []

    def fail_on_the_card(task, names, **more):
        if task.device.type != "cpu":
            kept.append(weakref.ref(task.image.base))
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        kept.append(kept[0]())
        return run_stage(task, names, **more)

    run_stage = engine.run_stage
    monkeypatch.setattr(engine, "choose_device", lambda _: torch.device("meta"))
    monkeypatch.setattr(engine, "run_stage", fail_on_the_card)
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0), directions=sheared(20)))
    found = segment(volume, options(model))
    assert found.array.any()
    assert any("the CPU was used" in note for note in found.info["notes"])
    assert kept[1] is None, "the first attempt's image is still in memory"


def test_the_computers_own_memory_is_not_taken_for_the_cards(model, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(engine, "choose_device", lambda _: torch.device("meta"))
    monkeypatch.setattr(engine, "run_stage", fail)
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    with pytest.raises(ResourceError):
        segment(volume, options(model))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tilted_volume_of_numbers_without_a_sign_has_air_around_it(dtype, model):
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0), directions=sheared(20)))
    array = np.where(volume.array > 300, 250, 60)  # nowhere bright enough, all the less where there is nothing
    assert not segment(Volume(array.astype(dtype), volume.geometry), options(model)).array.any()


def test_a_bone_that_was_dropped_has_no_confidence(model, monkeypatch):
    monkeypatch.setattr(engine, "clean_labels", lambda labels, *_, **__: labels.fill(0))
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    assert segment(volume, options(model)).info["confidence"] == {}


def test_windows_of_air_are_looked_at_by_a_network_that_may_find_something_there(model, tmp_path, monkeypatch):
    lungs = tmp_path / "lungs"
    shutil.copytree(model, lungs)
    inner = lungs / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    (inner / "dataset.json").write_text(json.dumps({**DATASET_JSON, "labels": {"background": 0, "bulla": 1, "x": 2}}))
    plans = json.loads((inner / "plans.json").read_text())
    plans["foreground_intensity_properties_per_channel"]["0"]["percentile_00_5"] = -1000.0
    (inner / "plans.json").write_text(json.dumps(plans))
    manifest = json.loads((lungs / "boneseg.json").read_text())
    (lungs / "boneseg.json").write_text(json.dumps({**manifest, "structures": {"bulla": 1}}))
    seen = []
    everything = LoadedStage((lambda batch: seen.append(1) or -bright_is_bone(batch),), (0, 1, 2))
    monkeypatch.setattr(stage, "load_stage", lambda *_: everything)
    lung = np.random.default_rng(0).integers(-950, -800, (40, 40, 40)).astype(np.int16)
    segment(Volume(lung, Geometry.from_spacing((40, 40, 40), (1.5, 1.5, 2.0))), options(lungs))
    assert seen


def test_a_model_that_was_trained_on_is_read_again(model, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    assert load_model(folder) is load_model(folder)
    before = load_model(folder)
    manifest = json.loads((folder / "boneseg.json").read_text())
    (folder / "boneseg.json").write_text(json.dumps({**manifest, "version": "2"}))
    assert (before.version, load_model(folder).version) == ("", "2")


def test_drafts_that_a_model_cannot_make_are_told(model):
    volume, _ = ball_in(Geometry.from_spacing((40, 40, 30), (1.5, 1.5, 2.0)))
    assert any("No drafts" in note for note in segment(volume, options(model, drafts=2)).info["notes"])
    assert not any("No drafts" in note for note in segment(volume, options(model)).info["notes"])


def test_too_little_memory_is_told_before_the_network_runs(model, monkeypatch):
    monkeypatch.setattr(stage, "available_bytes", lambda: 2**20)
    volume, _ = ball_in(Geometry.from_spacing((60, 60, 40), (1.0, 1.0, 1.0)))
    with pytest.raises(ResourceError, match="needs about"):
        segment(volume, options(model))
