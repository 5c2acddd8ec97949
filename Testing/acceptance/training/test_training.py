"""`boneseg train` on somebody's data: a real training, as small as it goes, from files to a model that others run."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from BoneSegLib import SegmentOptions, segment
from BoneSegLib.cli import main
from BoneSegLib.headless.read import read_volume
from BoneSegLib.models.folder import read_model
from BoneSegLib.models.integrity import verify_files
from BoneSegLib.training.begin import begin, prepare_cases
from BoneSegLib.training.folds import split_of
from BoneSegLib.training.loop import LoopOptions
from BoneSegLib.training.planning.planner import PlannerOptions
from BoneSegLib.training.prepared import open_answer, prepared_path
from BoneSegLib.training.project import ProjectOptions
from BoneSegLib.training.train_data import train_folds
from BoneSegLib.training.train_fold import FoldOptions, train_fold
from Testing.support.ball_runs import HUNDRED_STEPS, LABELS, QUICK, Killed
from Testing.support.balls import CT, write_pairs


def _json(capsys, *words) -> dict:
    capsys.readouterr()
    assert main([str(word) for word in (*words, "--json")]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_short_training_finds_balls_that_it_never_saw(a_run):
    run = a_run.folder
    with (run / "validation" / "fold_0.csv").open() as file:
        dice = [float(row["dice"]) for row in csv.DictReader(file)]
    assert len(dice) == 2
    assert np.mean(dice) > 0.6


def test_it_leaves_curves_as_table_and_picture(a_run):
    folder = a_run.folder / "3d_fullres" / "fold_0"
    with (folder / "validation.csv").open() as file:
        found = [float(row["dice"]) for row in csv.DictReader(file)]
    assert found[-1] > found[0]
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_model_tells_its_labels_modality_and_accuracy(a_run):
    run = a_run.folder
    model = read_model(run / "model")
    verify_files(model)
    assert [(structure.id, structure.label) for structure in model.structures] == [("large", 1), ("small", 2)]
    assert model.dataset.is_ct == (a_run.channel == CT)
    assert model.stages["3d_fullres"].configuration.normalizations == (
        "CTNormalization" if model.dataset.is_ct else "ZScoreNormalization",
    )
    assert model.manifest["accuracy"]["held-out cases, Dice by fold"]["0"]["mean"] > 0.6


def test_nnunetv2_gives_the_same_labels_with_the_same_folder(a_run):
    pytest.importorskip("nnunetv2")
    from Testing.acceptance.test_nnunet_parity import nnunet_labels

    data, run = a_run.data, a_run.folder
    volume = read_volume(data / "case1_image.nii.gz")
    options = SegmentOptions(
        model=run / "model", precision="fp32", device="cpu", drop_islands=False, fill_holes=False, force=True
    )
    ours = segment(volume, options).array
    theirs = nnunet_labels(run / "model" / "nnUNetTrainer__nnUNetPlans__3d_fullres", volume)
    assert np.count_nonzero(theirs == 1) > 100
    assert (ours == theirs).mean() >= 0.999


def test_kernels_of_thick_slices_reach_less_far_across_them(a_thick_run):
    (stage,) = read_model(a_thick_run.model).stages_of("full")
    kernels = stage.configuration.architecture.kernels
    assert kernels[0] == (1, 3, 3)
    assert kernels[-1] == (3, 3, 3)


def test_the_same_command_again_has_nothing_left_to_do(a_ct_run, capsys):
    data, run = a_ct_run.data, a_ct_run.folder
    before = (run / "3d_fullres" / "fold_0" / "curve.csv").read_text()
    done = _json(capsys, "train", data, "-o", run, *HUNDRED_STEPS, "--no-validation", *LABELS)  # fmt: skip
    assert done["steps"] == {"0": {"3d_fullres": 100}}
    assert (run / "3d_fullres" / "fold_0" / "curve.csv").read_text() == before


def test_a_folder_of_another_training_is_not_touched(a_ct_run, capsys):
    data, run = a_ct_run.data, a_ct_run.folder
    assert main(["train", str(data), "-o", str(run), *QUICK, "--labels", "both=3,70"]) == 3
    assert "begun with other --labels" in capsys.readouterr().err
    assert main(["train", str(data), "-o", str(run), *QUICK, *LABELS, "--window", "16,16,16"]) == 3
    assert "begun with other --window" in capsys.readouterr().err


def test_plans_are_shown_as_often_as_one_likes_and_nothing_is_kept(a_ct_run, tmp_path, capsys):
    for features in (4, 6):
        words = ["-o", tmp_path / "run", "--plan-only", "--features", features, *LABELS]
        assert _json(capsys, "train", a_ct_run.data, *words)["training"]
    assert not (tmp_path / "run").exists()


def test_transfer_keeps_what_was_learnt_of_labels_of_the_same_name(a_ct_run, tmp_path, capsys):
    data, run = a_ct_run.data, a_ct_run.folder
    done = _json(capsys, "train", data, "-o", tmp_path / "run", "--steps", 1, "--learning-rate", 1e-6,
                 *QUICK[2:], "--fine-tune", run / "model", "--labels", "new=70", "large=3")  # fmt: skip
    dice = done["dice_held_out"]["0"]
    assert dice["large"] > 0.6
    assert dice["new"] < 0.3
    assert json.loads((tmp_path / "run/model/boneseg.json").read_text())["training"]["started_from"] == "run"


def test_a_killed_training_goes_on_as_if_nothing_had_happened(tmp_path):
    data = write_pairs(tmp_path / "data", 2)
    planner = PlannerOptions(memory_gb=1, features=4)
    project = begin(data, tmp_path / "run", ProjectOptions(planner=planner))
    prepare_cases(project)
    (plan,) = project.plans
    split = split_of(project.cases, "all")
    loop = LoopOptions(steps=6, minutes=float("inf"), batch=1, checkpoint_seconds=0)
    options = FoldOptions(loop=loop, device="cpu", precision="fp32")

    def kill(share, progress):
        if progress.step == 4:
            raise Killed

    def weights(folder: Path) -> dict[str, torch.Tensor]:
        return torch.load(folder / "checkpoint.pt", weights_only=True)["averaged"]

    train_fold(project, plan, split, tmp_path / "whole", options, report=lambda share, progress: None)
    with pytest.raises(Killed):
        train_fold(project, plan, split, tmp_path / "parts", options, report=kill)
    resumed = train_fold(project, plan, split, tmp_path / "parts", options, report=lambda share, progress: None)
    assert resumed.step == 6
    for name, value in weights(tmp_path / "whole").items():
        torch.testing.assert_close(weights(tmp_path / "parts")[name], value, rtol=0, atol=0)


def test_a_cascade_is_planned_trained_and_run(tmp_path, capsys):
    pytest.importorskip("tensorboard")
    data = write_pairs(tmp_path / "data", 2)
    planner = PlannerOptions(features=4, most_features=8, patch=(16, 16, 16), spacing=(1.0, 1.0, 1.0), stages=2)
    project = begin(data, tmp_path / "run", ProjectOptions(planner=planner))
    prepare_cases(project)
    assert [plan.name for plan in project.plans] == ["3d_lowres", "3d_cascade_fullres"]
    loop = LoopOptions(steps=2, minutes=float("inf"), batch=1, report_steps=1)
    options = FoldOptions(loop=loop, device="cpu", precision="fp32", tensorboard=True)
    trained = train_folds(project, ["0", "1"], options, name="two", validate=False)
    assert any((tmp_path / "run" / "3d_lowres" / "fold_0" / "tensorboard").iterdir())
    model = read_model(trained.model)
    assert model.stages["3d_cascade_fullres"].folds == ("0", "1")
    card = (trained.model / "README.md").read_text()
    assert "3d_cascade_fullres -f 0 1 -prev_stage_predictions OUT_3d_lowres" in card
    for case in project.cases:
        # Kept by one of the two folds, whose first network answered for it on the second one's grid.
        answer, drawn = open_answer(path := prepared_path(project.prepared(project.plans[1]), case)), np.load(path)
        assert answer is not None
        assert answer.shape == drawn.shape
    assert model.qualities == dict.fromkeys(("fast", "full"), ("3d_lowres", "3d_cascade_fullres"))
    volume = read_volume(data / "case0_image.nii.gz")
    found = segment(volume, replace(SegmentOptions(model=trained.model, force=True), precision="fp32", device="cpu"))
    assert found.array.shape == volume.array.shape


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--labels", "a=99"], 3, "drawn in no case: a"),
        (["--fold", "7"], 2, "no fold '7'"),
        (["--fold", "x"], 2, "not a fold"),
        (["--window", "16,16"], 2, "not a window"),
        (["--spacing", "0,1,1"], 2, "not a spacing"),
        (["--minutes", "-1"], 2, "above 0"),
        (["--stages", "2"], 3, "make no sense"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path, capsys, words, code, message):
    data = write_pairs(tmp_path / "data", 2)
    assert main(["train", str(data), "-o", str(tmp_path / "run"), *QUICK, *words]) == code
    assert message in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told_before_any_image_is_read(tmp_path, capsys):
    data = write_pairs(tmp_path / "data", 1)
    assert main(["train", str(data), "-o", str(tmp_path / "absent" / "deeper" / "run"), *QUICK]) == 3
    assert "does not exist" in capsys.readouterr().err


def test_the_model_has_a_card_for_people(a_run):
    card = (a_run.model / "README.md").read_text()
    with (a_run.folder / "validation" / "fold_0.csv").open() as file:
        found = {(row["structure"], row["case"]): float(row["dice"]) for row in csv.DictReader(file)}
    assert f"Finds large, small in {a_run.channel}. **Not for clinical use.**" in card
    assert "5 cases" in card
    (stage,) = read_model(a_run.model).stages_of("full")
    assert f"| `3d_fullres` | {' x '.join(f'{size:g}' for size in stage.configuration.spacing)} | " in card
    assert "| 100 (fold 0) |" in card
    for label in ("large", "small"):
        ((_, case), dice) = min(
            ((key, value) for key, value in found.items() if key[0] == label), key=lambda one: one[1]
        )
        assert f"| {label} | 1 | {dice:.3f} | {dice:.3f} | {case} |" in card
    worst = min(found, key=lambda key: found[key])
    assert f"The worst result is {worst[0]} in case {worst[1]}, with {found[worst]:.3f}." in card
    for words in (
        "--model MODEL",
        "3D Slicer",
        "-m MODEL/nnUNetTrainer__nnUNetPlans__3d_fullres -f 0",
        "LPS",
        "Licence",
    ):
        assert words in card
