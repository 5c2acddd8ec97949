"""Folds that were killed, and the model folder: it holds finished folds, and tells what these reached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from BoneSegLib.errors import InputError
from BoneSegLib.models.folder import read_model
from BoneSegLib.training.begin import begin, prepare_cases
from BoneSegLib.training.curves import read_rows
from BoneSegLib.training.folds import split_of
from BoneSegLib.training.loop import LoopOptions
from BoneSegLib.training.planning.planner import PlannerOptions
from BoneSegLib.training.project import ProjectOptions
from BoneSegLib.training.train_data import train_folds
from BoneSegLib.training.train_fold import FoldOptions, train_fold
from Testing.support.ball_runs import Killed
from Testing.support.balls import ball_arrays, write_image, write_pairs


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
