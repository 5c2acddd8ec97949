"""A training that goes on: with mended labels, copied data, cases that lost their end, or on another computer."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import numpy as np
import pytest

from BoneSegLib.errors import InputError
from BoneSegLib.training.begin import begin, prepare_cases
from BoneSegLib.training.commands import train
from BoneSegLib.training.commands.train_own import project_options
from BoneSegLib.training.planning.planner import PlannerOptions
from BoneSegLib.training.prepared import answer_path, prepared_path
from BoneSegLib.training.project import ProjectOptions
from Testing.support.balls import ball_arrays, write_image, write_pairs


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


def test_labels_that_mean_something_else_by_now_are_another_training(tmp_path):
    data, rules = write_pairs(tmp_path / "data", 2), tmp_path / "rules.json"
    rules.write_text(json.dumps({"large": 1, "small": 2}))
    options = ProjectOptions(labels=(str(rules),), planner=PlannerOptions(features=4))
    plans = begin(data, tmp_path / "run", options).plans
    assert begin(data, tmp_path / "run", options).plans == plans
    rules.write_text(json.dumps({"small": 2, "large": 1}))  # other values in the network
    with pytest.raises(InputError, match="begun with other labels"):
        begin(data, tmp_path / "run", options)


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
