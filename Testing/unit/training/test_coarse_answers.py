"""What the first network of a cascade said of a case, as the second one's input in training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.sides import Mirroring
from BoneSegLib.training.coarse_answers import _in_own_values
from BoneSegLib.training.data.harmonise import StraightCase
from BoneSegLib.training.planning.network_plan import plan_of_stage
from BoneSegLib.training.prepared import answer_path, open_answer, prepare, prepare_answer, prepared_path
from BoneSegLib.training.stage import CASCADE, LOWRES
from BoneSegLib.training.window_sampler import PreparedWindows, WindowOptions
from BoneSegLib.volume import LabelMap
from Testing.support.phantoms import lps_geometry

SHAPE = (16, 16, 16)
PLAN = replace(plan_of_stage(CASCADE), patch=SHAPE, spacing=(2.0, 2.0, 2.0))
COARSER = replace(plan_of_stage(LOWRES), spacing=(4.0, 4.0, 4.0))


@pytest.fixture
def case(tmp_path):
    """A prepared case: label 1 is drawn in the lower half, and the first network said 2 in the upper half."""
    image = np.zeros(SHAPE, np.int16)
    drawn, said = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    drawn[:8], said[8:] = 1, 2
    prepare(StraightCase("p", image, drawn, (2.0, 2.0, 2.0)), PLAN, tmp_path, labels=2)
    prepare_answer(StraightCase("p", image, said, (2.0, 2.0, 2.0)), PLAN, tmp_path, labels=2)
    return prepared_path(tmp_path, "p")


def _sampler(**options) -> PreparedWindows:
    return PreparedWindows(PLAN, labels=2, mirroring=Mirroring((), (0, 1, 2)), coarser=COARSER,
                           options=WindowOptions(**options))  # fmt: skip


def test_the_second_network_is_given_what_the_first_one_said(case):
    inputs, labels = _sampler(augment=False)([case], np.random.default_rng(0))
    assert inputs.shape == (1, 3, *SHAPE)
    assert (labels[0, :8] == 1).all()
    assert (inputs[0, 1] == 0).all()
    assert (inputs[0, 2, :8] == 0).all()
    assert (inputs[0, 2, 8:] == 1).all()


def test_in_training_it_is_given_that_in_the_share_of_windows_that_was_asked_for(case):
    rng = np.random.default_rng(0)
    sampler = _sampler(answered_share=0.5, pose_probability=0.0)
    # Only the first network's own answer fills the upper half with label 2.
    answered = [bool(sampler([case], rng)[0][0, 2, 8:].mean() > 0.99) for _ in range(60)]
    assert 0.3 < np.mean(answered) < 0.7


def test_a_case_without_an_answer_has_made_up_errors_of_the_truth(case):
    torch.manual_seed(0)
    answer_path(case.parent, "p").write_bytes(answer_path(case.parent, "p").read_bytes()[:200])
    assert open_answer(case) is None, "it lost its end"
    answer_path(case.parent, "p").unlink()
    assert open_answer(case) is None
    inputs, _ = _sampler(augment=False)([case], np.random.default_rng(3))
    assert inputs[0, 1, :6].mean() > inputs[0, 1, 10:].mean() + 0.3


def test_answers_of_a_model_of_our_bones_get_the_values_that_the_training_gave_them():
    array = np.array([[[1, 2, 0]]], np.uint8)
    found = LabelMap(array, lps_geometry(array.shape, (1.0, 1.0, 1.0)), (BY_ID["hip_left"], BY_ID["hip_right"]))
    assert _in_own_values(found, ("hip_right", "hip_left")).array.tolist() == [[[2, 1, 0]]]
