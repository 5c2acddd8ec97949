"""`boneseg train` on somebody's data: a real training, as small as it goes, from files to a model that others run."""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from BoneSegLib import SegmentOptions, segment
from BoneSegLib.cli import main
from BoneSegLib.errors import InputError
from BoneSegLib.headless.read import read_volume
from BoneSegLib.models.folder import read_model
from BoneSegLib.models.integrity import verify_files
from BoneSegLib.training.begin import begin, prepare_cases
from BoneSegLib.training.commands import train
from BoneSegLib.training.commands.train_own import project_options
from BoneSegLib.training.curves import read_rows
from BoneSegLib.training.folds import split_of
from BoneSegLib.training.loop import LoopOptions
from BoneSegLib.training.planning.planner import PlannerOptions
from BoneSegLib.training.prepared import answer_path, open_answer, prepared_path
from BoneSegLib.training.project import ProjectOptions
from BoneSegLib.training.train_data import train_folds
from BoneSegLib.training.train_fold import FoldOptions, train_fold
from Testing.support.ball_runs import HUNDRED_STEPS, LABELS, QUICK
from Testing.support.balls import CT, ball_arrays, write_image, write_pairs


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


class Killed(Exception):
    """In the place of a kill: nothing after it runs."""


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


@pytest.fixture
def a_begun_run(tmp_path):
    """A cascade of tiny networks on two cases, prepared and with an answer of the first network for each."""
    data = write_pairs(tmp_path / "data", 2)
    planner = PlannerOptions(features=4, most_features=8, patch=(16, 16, 16), spacing=(1.0, 1.0, 1.0), stages=2)

    def again(**words):
        project = begin(data, tmp_path / "run", ProjectOptions(planner=planner), **words)
        prepare_cases(project)
        return project

    project = again()
    for name in project.cases:
        np.save(answer_path(project.prepared(project.plans[1]), name), np.zeros((2, 2, 2), np.uint8))
    return data, project, again


def _drawn(project, case: str) -> int:
    return max(np.count_nonzero(np.load(prepared_path(project.prepared(plan), case))) for plan in project.plans)


def test_a_case_whose_labels_were_mended_is_prepared_again_and_no_other(a_begun_run):
    data, project, again = a_begun_run
    fine = project.prepared(project.plans[1])
    before = {case: (_drawn(project, case), prepared_path(fine, case).stat().st_mtime_ns) for case in project.cases}
    _, labels = ball_arrays(0)
    write_image(data / "case0_labels.nii.gz", np.where(labels == 2, 2, 0).astype(np.uint16))
    assert "case0" in again().source.notes[-1]
    assert 0 < _drawn(project, "case0") < before["case0"][0]
    assert not answer_path(fine, "case0").exists()
    assert prepared_path(fine, "case1").stat().st_mtime_ns == before["case1"][1]
    assert answer_path(fine, "case1").exists()
    assert not again().source.notes, "told once"


def test_a_copy_of_the_data_is_the_same_data(a_begun_run):
    data, _, again = a_begun_run
    for path in data.iterdir():
        path.touch()
    assert not again().source.notes


def test_looking_at_the_plans_leaves_changed_cases_for_the_training(a_begun_run):
    data, project, _ = a_begun_run
    write_image(data / "case0_labels.nii.gz", ball_arrays(7)[1].astype(np.uint16))
    begin(data, project.folder, project.options, keep=False)
    assert prepared_path(project.prepared(project.plans[0]), "case0").exists()


def test_a_training_that_was_begun_before_hashes_were_kept_goes_on(a_begun_run):
    _, project, again = a_begun_run
    path = project.folder / "training.json"
    content = json.loads(path.read_text())
    del content["hashes"]
    path.write_text(json.dumps(content))
    assert not again().source.notes
    assert json.loads(path.read_text())["hashes"] == project.hashes


@pytest.mark.parametrize("ending", ["labels", "image"])
@pytest.mark.parametrize("size", [0, 200])
def test_a_prepared_case_that_lost_its_end_is_made_again(a_begun_run, ending, size):
    _, project, again = a_begun_run
    path = project.prepared(project.plans[0]) / f"case0_{ending}.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:size])
    again()
    assert path.read_bytes() == whole


def _steps(count: int, **options) -> FoldOptions:
    loop = LoopOptions(steps=count, minutes=float("inf"), batch=1, **options)
    return FoldOptions(loop=loop, device="cpu", precision="fp32")


@pytest.fixture
def a_run_with_a_killed_fold(tmp_path):
    """Fold 1 was killed at the fourth of 1000 steps, after a checkpoint."""
    project = begin(
        write_pairs(tmp_path / "data", 2), tmp_path / "run", ProjectOptions(planner=PlannerOptions(features=4))
    )
    prepare_cases(project)

    def kill(share, progress):
        if progress.step == 4:
            raise Killed

    (plan,) = project.plans
    options = _steps(1000, checkpoint_seconds=0)
    with pytest.raises(Killed):
        train_fold(project, plan, split_of(project.cases, "1"), project.fold_folder(plan, "1"), options, report=kill)
    return project


def _train(project, fold: str, steps: int) -> tuple[str, ...]:
    """The folds in the model afterwards."""
    trained = train_folds(project, [fold], _steps(steps), name="balls", validate=False)
    return read_model(trained.model).stages[project.plans[0].name].folds


def test_a_fold_that_was_stopped_enters_the_model_when_it_is_finished(a_run_with_a_killed_fold, caplog):
    project = a_run_with_a_killed_fold
    assert _train(project, "0", 2) == ("0",)
    assert "Fold 1 is not in the model" in caplog.text
    caplog.clear()
    assert _train(project, "1", 5) == ("0", "1")
    assert "not in the model" not in caplog.text


def test_a_stopped_fold_that_has_spent_a_smaller_budget_already_is_finished(a_run_with_a_killed_fold):
    assert _train(a_run_with_a_killed_fold, "1", 2) == ("1",)


def test_checkpoints_of_before_count_as_finished(a_run_with_a_killed_fold):
    project = a_run_with_a_killed_fold
    path = project.fold_folder(project.plans[0], "1") / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    del state["finished"]
    torch.save(state, path)
    assert _train(project, "0", 2) == ("0", "1")


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_checkpoint_that_lost_its_end_is_named(a_run_with_a_killed_fold, share):
    project = a_run_with_a_killed_fold
    path = project.fold_folder(project.plans[0], "1") / "checkpoint.pt"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"is damaged.*Delete it") as raised:
        _train(project, "1", 5)
    assert str(path) in raised.value.message
    path.unlink()
    assert _train(project, "1", 2) == ("1",)


def test_the_last_step_is_in_the_curve_however_few_there_are(a_run_with_a_killed_fold):
    project = a_run_with_a_killed_fold
    _train(project, "0", 3)
    assert [row["step"] for row in read_rows(project.fold_folder(project.plans[0], "0") / "curve.csv")] == [3]


def _dice_in_card(model: Path) -> dict:
    return read_model(model).manifest["accuracy"].get("held-out cases, Dice by fold", {})


def test_the_card_leaves_out_what_other_weights_reached(a_run_with_a_killed_fold):
    project = a_run_with_a_killed_fold
    both = train_folds(project, ["0", "1"], _steps(5), name="balls")
    assert set(_dice_in_card(both.model)) == {"0", "1"}
    longer = train_folds(project, ["0"], _steps(6), name="balls", validate=False)
    assert set(_dice_in_card(longer.model)) == {"1"}
    again = train_folds(project, ["0"], _steps(6), name="balls")
    assert set(_dice_in_card(again.model)) == {"0", "1"}


def test_the_card_leaves_out_what_was_judged_by_other_labels(a_run_with_a_killed_fold):
    project = a_run_with_a_killed_fold
    train_folds(project, ["0", "1"], _steps(5), name="balls")
    (kept,) = split_of(project.cases, "0").validation
    pair = next(pair for pair in project.source.pairs if pair.name == kept)
    write_image(pair.labels, ball_arrays(7)[1].astype(np.uint16))
    project = begin(pair.labels.parent, project.folder, project.options)
    prepare_cases(project)
    trained = train_folds(project, ["1"], _steps(5), name="balls", validate=False)
    assert set(_dice_in_card(trained.model)) == {"1"}


def test_what_the_computer_decided_at_the_start_stays_on_another_one(tmp_path):
    data = write_pairs(tmp_path / "data", 2)
    card = ProjectOptions(planner=PlannerOptions(memory_gb=8, features=8), unasked=("memory_gb", "features"))
    plans = begin(data, tmp_path / "run", card).plans
    cpu = replace(card, planner=PlannerOptions(memory_gb=1, features=4))
    elsewhere = begin(data, tmp_path / "run", cpu)
    assert elsewhere.plans == plans
    assert elsewhere.options == card
    with pytest.raises(InputError, match="begun with other --features"):
        begin(data, tmp_path / "run", replace(cpu, unasked=("memory_gb",)))


def test_the_command_asks_for_memory_and_features_only_if_they_were_given():
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    assert project_options(parser.parse_args(["DATA", "-o", "RUN"])).unasked == ("memory_gb", "features")
    assert project_options(parser.parse_args(["DATA", "-o", "RUN", "--memory", "8"])).unasked == ("features",)


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


def test_the_card_is_written_anew_unless_somebody_took_it_over(a_run_with_a_killed_fold):
    project = a_run_with_a_killed_fold
    _train(project, "0", 2)
    card = project.folder / "model" / "README.md"
    assert "Not judged" in card.read_text()
    card.write_text("My images." + card.read_text())
    _train(project, "0", 3)
    assert card.read_text().startswith("# balls")
    assert "3 (fold 0)" in card.read_text()
    card.write_text("My images.")
    _train(project, "0", 4)
    assert card.read_text() == "My images."
