"""A network that knows only what it was told, and what lies beside that: each draft lets it see further."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from BoneSegLib import Geometry, SegmentOptions, Volume, segment
from BoneSegLib.errors import UsageError
from BoneSegLib.inference import stage
from BoneSegLib.inference.loading import LoadedStage
from BoneSegLib.worker.estimate import estimate
from Testing.support.nnunet_folder import DATASET_JSON, configuration, plans_json, write_folder

COARSE, FINE = "3d_lowres", "3d_cascade_fullres"
SPACING_MM = 2.0
REACH_MM = 8.0
ROD = slice(20, 80)
"""Where the bone lies along k, in voxels of 2 mm; its first 10 are bright enough for the coarse network."""


def cascade(folder: Path, *, bone: str, fast: float = 0.5) -> Path:
    """A model folder whose networks are said below; its weights are none."""
    plans = plans_json()
    coarse = configuration(spacing=(SPACING_MM,) * 3, patch=(32, 32, 32))
    plans["configurations"] = {COARSE: coarse, FINE: {**coarse, "previous_stage": COARSE}}
    dataset = {**DATASET_JSON, "labels": {"background": 0, bone: 1}}
    for name in (COARSE, FINE):
        trained = write_folder(folder, plans, dataset, {"0": {"weight": torch.zeros(1)}}, name=name)
    manifest = {
        "name": "cascade",
        "structures": {bone: 1},
        "stages": {"fast": [COARSE, FINE], "full": [COARSE, FINE]},
        "step": {"fast": fast},
    }
    (trained.parent / "boneseg.json").write_text(json.dumps(manifest))
    return trained.parent


def as_logits(bone: torch.Tensor) -> torch.Tensor:
    return torch.cat([0.5 - bone.float(), bone.float() - 0.5], dim=1)


def very_bright_is_bone(batch: torch.Tensor) -> torch.Tensor:
    return as_logits(batch[:, :1] > (800 - 500) / 250)


def bright_beside_a_name_is_bone(batch: torch.Tensor) -> torch.Tensor:
    reach = round(REACH_MM / SPACING_MM)
    told = torch.nn.functional.max_pool3d(batch[:, 1:], 2 * reach + 1, stride=1, padding=reach)
    return as_logits((batch[:, :1] > (300 - 500) / 250) & (told > 0))


@pytest.fixture(autouse=True)
def networks(monkeypatch):
    """Counts the windows of the fine network."""
    ran: list[int] = []

    def fine(batch: torch.Tensor) -> torch.Tensor:
        ran.append(len(batch))
        return bright_beside_a_name_is_bone(batch)

    def load(of: stage.Stage, *_: object) -> LoadedStage:
        return LoadedStage((very_bright_is_bone if of.configuration.previous_stage is None else fine,), ())

    monkeypatch.setattr(stage, "load_stage", load)
    return ran


def rod() -> Volume:
    array = np.full((100, 40, 40), -500, np.int16)
    array[ROD, 16:24, 16:24] = 500
    array[20:30, 16:24, 16:24] = 1000
    return Volume(array, Geometry.from_spacing((40, 40, 100), (SPACING_MM,) * 3))


def found(model: Path, **more: object) -> np.ndarray:
    options = SegmentOptions(
        model=model,
        device="cpu",
        precision="fp32",
        force=True,
        drop_islands=False,
        fill_holes=False,
        refine=False,
        **more,
    )
    return segment(rod(), options).array > 0


@pytest.mark.parametrize("drafts", [0, 1, 2, 3])
def test_each_draft_lets_the_network_find_as_much_more_as_it_reaches(drafts, tmp_path):
    bone = found(cascade(tmp_path, bone="vertebra_L3"), drafts=drafts)
    along_k = np.flatnonzero(bone.any(axis=(1, 2)))
    per_pass = REACH_MM / SPACING_MM
    assert along_k[0] == ROD.start
    assert along_k[-1] + 1 == 30 + (drafts + 1) * per_pass
    assert bone.sum() == len(along_k) * 8 * 8


def test_a_network_of_other_things_than_bones_is_asked_once(tmp_path, networks):
    model = cascade(tmp_path, bone="liver")
    once = found(model, drafts=0)
    windows = len(networks)
    assert np.array_equal(found(model, drafts=3), once)
    assert len(networks) == 2 * windows


def test_a_draft_takes_far_fewer_windows_than_the_answer(tmp_path, networks):
    model = cascade(tmp_path, bone="vertebra_L3")
    found(model, drafts=0, coarse_to_fine=False)
    every = len(networks)
    found(model, drafts=1, coarse_to_fine=False)
    drafted = len(networks) - 2 * every
    assert drafted == 4 * 2 * 2, "100 x 40 x 40 voxels in windows of 32"
    assert every == 6 * 2 * 2


@pytest.mark.parametrize(("quality", "passes"), [("fast", 1), ("full", 4)])
def test_full_makes_three_drafts_and_fast_none_unless_they_are_asked_for(quality, passes, tmp_path):
    bone = found(cascade(tmp_path, bone="vertebra_L3"), quality=quality)
    assert np.flatnonzero(bone.any(axis=(1, 2)))[-1] + 1 == 30 + passes * REACH_MM / SPACING_MM


@pytest.mark.parametrize(("step", "windows"), [(1.0, 4 * 2 * 2), (0.5, 6 * 2 * 2), (0.25, 10 * 2 * 2)])
def test_windows_of_the_last_network_start_as_far_apart_as_the_model_says(step, windows, tmp_path, networks):
    model = cascade(tmp_path, bone="vertebra_L3", fast=step)
    found(model, quality="fast", coarse_to_fine=False)
    assert len(networks) == windows


def test_drafts_are_told_in_the_progress_that_rises(tmp_path):
    told: list[float] = []
    options = SegmentOptions(model=cascade(tmp_path, bone="sacrum"), device="cpu", force=True, drafts=2)
    segment(rod(), options, progress=lambda share, _: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_forecast_counts_the_windows_of_drafts(tmp_path, monkeypatch):
    monkeypatch.setattr("BoneSegLib.worker.estimate._try_window", lambda *_: 1.0)
    monkeypatch.setattr("BoneSegLib.worker.speeds.read_speeds", lambda _: {"other": 0.0})
    model = cascade(tmp_path, bone="sacrum")
    seconds = {
        drafts: estimate(rod().geometry, SegmentOptions(model=model, device="cpu", drafts=drafts)).seconds
        for drafts in (0, 2)
    }
    assert seconds[2] - seconds[0] == pytest.approx(2 * 16 * 0.5), "half of the windows are taken to hold bones"


@pytest.mark.parametrize("drafts", [-1, 4])
def test_a_number_of_drafts_that_nobody_tried_is_refused(drafts):
    with pytest.raises(UsageError, match="drafts"):
        SegmentOptions(drafts=drafts)


@pytest.mark.parametrize("drafts", [0, 1, 3])
def test_an_island_does_not_grow_from_draft_to_draft(tmp_path, drafts):
    """Beside the rod lies a thin bar as bright, and the coarse network takes 8 of its voxels for bone."""
    volume = rod()
    bar = (slice(10, 90), slice(36, 38), slice(36, 38))
    volume.array[bar] = 500
    volume.array[40:42, 36:38, 36:38] = 1000
    options = SegmentOptions(
        model=cascade(tmp_path, bone="femur_left"), drafts=drafts, refine=False, drop_islands=False, force=True
    )
    found = segment(volume, options).array
    assert found[25, 20, 20] > 0
    assert (found[bar] > 0).any() == (drafts == 0)
