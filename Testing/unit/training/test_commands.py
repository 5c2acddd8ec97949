"""`boneseg synthesize` and `boneseg train`, from label maps to a model folder, as small as they go."""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.errors import InputError, ModelError, UsageError
from BoneSegLib.inference.network import PlainConvUNet
from BoneSegLib.models.checkpoint import load_checkpoint
from BoneSegLib.models.folder import read_model
from BoneSegLib.models.network import build_network
from BoneSegLib.training.card import BONES
from BoneSegLib.training.commands import synthesize, train
from BoneSegLib.training.commands.parse import budget
from BoneSegLib.training.data.find import find_source
from BoneSegLib.training.export import TrainedStage, bone_content, export_model
from BoneSegLib.training.planning.network_plan import plan_of_stage
from BoneSegLib.training.stage import LOWRES, STAGES
from BoneSegLib.training.synthesis.tissue import CLASS_COUNT


def _run(command, *words: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run_command(parser.parse_args([str(word) for word in words]))


@pytest.fixture(scope="module")
def cases(a_block_person, tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthesis")
    image = sitk.GetImageFromArray(a_block_person.labels)
    image.SetSpacing((1.5, 1.5, 1.5))
    (folder / "maps").mkdir()
    for name in ("block", "unwanted"):
        sitk.WriteImage(image, str(folder / "maps" / f"{name}.nii.gz"))
    words = ["--count", 2, "--exclude", "unwanted", "--format", "npy"]
    assert _run(synthesize, folder / "maps", "-o", folder / "cases", *words) == 0
    return folder / "cases"


def test_cases_are_numbered_pairs_and_another_run_leaves_them(cases):
    pairs = sorted(path.name for path in cases.glob("*.npy"))
    assert pairs == [f"synth_{n:05d}_{kind}.npy" for n in (0, 1) for kind in ("ct", "labels")]
    before = (cases / "synth_00000_ct.npy").stat().st_mtime_ns
    words = ["--count", 2, "--exclude", "unwanted", "--format", "npy"]
    assert _run(synthesize, cases.parent / "maps", "-o", cases, *words) == 0
    assert (cases / "synth_00000_ct.npy").stat().st_mtime_ns == before


def test_nnunets_raw_layout_holds_the_same_case(cases, tmp_path):
    maps = cases.parent / "maps"
    assert _run(synthesize, maps, "-o", tmp_path, "--count", 1, "--exclude", "unwanted") == 0
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "labelsTr" / "synth_00000.nii.gz")))
    np.testing.assert_array_equal(labels, np.load(cases / "synth_00000_labels.npy"))
    assert (tmp_path / "imagesTr" / "synth_00000_0000.nii.gz").exists()
    names = find_source(tmp_path).label_names
    assert names == {**{structure.id: structure.label for structure in STRUCTURES}, "other_bone": 11}


def test_nnunets_raw_layout_may_have_another_spacing(cases, tmp_path):
    words = ["--count", 1, "--exclude", "unwanted", "--spacing", 3]
    assert _run(synthesize, cases.parent / "maps", "-o", tmp_path, *words) == 0
    for path in (find_source(tmp_path).pairs[0].image, find_source(tmp_path).pairs[0].labels):
        assert sitk.ReadImage(str(path)).GetSpacing() == (3.0, 3.0, 3.0)


def test_a_short_training_ends_with_a_model_that_the_engine_reads(cases, tmp_path, capsys):
    arguments = [cases, "-o", tmp_path / "run", "--stage", "3d_lowres", "--steps", 1, "--batch", 1, "--json"]
    assert _run(train, *arguments, "--window", "32,32,32", "--export", tmp_path / "model") == 0
    assert json.loads(capsys.readouterr().out)["3d_lowres"]["step"] == 1
    assert read_model(tmp_path / "model").qualities == {"fast": ("3d_lowres",), "full": ("3d_lowres",)}


def test_a_training_may_begin_with_the_weights_of_a_model(cases, tmp_path):
    once = [cases, "--stage", "3d_lowres", "--steps", 1, "--batch", 1, "--window", "32,32,32", "--device", "cpu"]
    assert _run(train, *once, "-o", tmp_path / "first", "--export", tmp_path / "before") == 0
    start = ["--fine-tune", tmp_path / "before", "--learning-rate", 1e-12]
    assert _run(train, *once, *start, "-o", tmp_path / "second", "--export", tmp_path / "after") == 0
    before, after = (
        load_checkpoint(read_model(tmp_path / name).stages["3d_lowres"].checkpoint("0")).weights
        for name in ("before", "after")
    )
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_training_may_begin_with_a_network_of_fewer_features(cases, tmp_path):
    plan = replace(LOWRES, features=(4, 8, 8, 16, 16))
    network = build_network(plan.architecture, in_channels=1, heads=CLASS_COUNT)
    stages = [TrainedStage(plan_of_stage(plan), {"0": network.state_dict()})]
    export_model(tmp_path / "narrow", stages, bone_content(1), BONES)
    arguments = [cases, "-o", tmp_path / "run", "--stage", "3d_lowres", "--steps", 1, "--batch", 1, "--device", "cpu",
                 "--window", "32,32,32", "--fine-tune", tmp_path / "narrow", "--learning-rate", 1e-12]  # fmt: skip
    assert _run(train, *arguments, "--export", tmp_path / "wide") == 0
    window = torch.randn(1, 1, 32, 32, 32)
    narrow, wide = (_first_network(tmp_path / name) for name in ("narrow", "wide"))
    torch.testing.assert_close(wide(window), narrow(window), rtol=0.02, atol=0.02 * float(narrow(window).abs().max()))


def _first_network(folder):
    stage = read_model(folder).stages["3d_lowres"]
    weights = load_checkpoint(stage.checkpoint("0")).weights
    return PlainConvUNet(stage.configuration.architecture, weights, in_channels=1, heads=CLASS_COUNT)


def test_a_training_cannot_begin_with_another_network(cases, tmp_path):
    arguments = [cases, "-o", tmp_path / "run", "--steps", 1]
    assert _run(train, *arguments, "--stage", "3d_lowres", "--export", tmp_path / "model") == 0
    with pytest.raises(ModelError, match="no network like '3d_cascade_fullres'"):
        _run(train, *arguments, "--stage", "3d_cascade_fullres", "--fine-tune", tmp_path / "model")
    with pytest.raises(UsageError, match="discs"):
        _run(train, *arguments, "--stage", "discs", "--fine-tune", tmp_path / "model")


def test_a_stage_that_has_other_features_by_now_is_not_exported(cases, tmp_path, monkeypatch):
    arguments = [cases, "-o", tmp_path / "run", "--stage", "3d_lowres", "--steps", 1, "--batch", 1]
    assert _run(train, *arguments, "--window", "32,32,32") == 0
    monkeypatch.setitem(STAGES, "3d_lowres", replace(LOWRES, features=(16, 24, 64, 128, 160)))
    with pytest.raises(ModelError, match="do not fit"):
        _run(train, cases, "-o", tmp_path / "run", "--export", tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--stage", "3d_lowres", "--plan-only"], "--plan-only"),
        (["--stage", "3d_lowres", "--fold", "1", "--features", "32"], "--fold, --features"),
        (["--stage", "discs", "--learning-rate", "0.1"], "--learning-rate"),
        (["--stage", "3d_lowres", "--minutes", "0"], "--minutes should be above 0"),
        (["--stage", "discs", "--steps", "0"], "--steps should be above 0"),
        (["--stage", "3d_lowres", "--batch", "-1"], "--batch should be above 0"),
    ],
)
def test_options_that_do_nothing_or_make_no_sense_are_wrong_usage(cases, tmp_path, words, told):
    with pytest.raises(UsageError, match=told):
        _run(train, cases, "-o", tmp_path, *words)
    assert not list(tmp_path.iterdir())


def test_nothing_to_do_and_odd_windows_are_wrong_usage(cases, tmp_path):
    with pytest.raises(UsageError, match="none of these was named"):
        _run(train, cases, "-o", tmp_path)
    with pytest.raises(UsageError, match="multiples of 16"):
        _run(train, cases, "-o", tmp_path, "--stage", "3d_lowres", "--window", "60,60,60")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], (60.0, 1_000_000)),
        (["--minutes", "5"], (5.0, 1_000_000)),
        (["--steps", "9"], (math.inf, 9)),
        (["--steps", "9", "--minutes", "5"], (5.0, 9)),
    ],
)
def test_only_the_budget_that_was_asked_for_ends_a_training(words, expected):
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    assert budget(parser.parse_args(["data", "-o", "run", *words])) == expected


def test_folders_without_maps_or_cases_are_told(tmp_path):
    with pytest.raises(InputError, match="no label map"):
        _run(synthesize, tmp_path, "-o", tmp_path / "out")
    with pytest.raises(InputError, match="no cases"):
        _run(train, tmp_path, "-o", tmp_path / "run", "--stage", "3d_lowres")
