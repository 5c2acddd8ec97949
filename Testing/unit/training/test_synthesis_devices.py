"""Synthesis off the CPU: what is computed with torch stays on the device that it was given, and the case is the same.

Without a graphics card torch's fake tensors on the "meta" device stand in for one: they have shapes alone and refuse,
as those of a card do, to be mixed with those of the CPU.
"""

from __future__ import annotations

import argparse
import re

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from BoneSegLib.errors import MissingError, UsageError
from BoneSegLib.options import SYNTHESIS_DEVICES, check_device
from BoneSegLib.training.commands import synthesize as command
from BoneSegLib.training.synthesis.deformation import DeformationOptions, sampling_grid, sampling_points
from BoneSegLib.training.synthesis.generator import SynthesisOptions, synthesize_case
from BoneSegLib.training.synthesis.hip_joint import HipJoint, rotate_thigh, thigh_rotation
from BoneSegLib.training.synthesis.patient import Patient, find_patient
from BoneSegLib.training.synthesis.shape_model import ShapeWarp
from BoneSegLib.training.synthesis.streaks import back_project, project

ELSEWHERE = torch.device("meta")
SHAPE = (10, 12, 14)


@pytest.fixture
def without_values():
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield


@pytest.fixture
def points(without_values):
    return sampling_points(SHAPE, center=np.full(3, 8.0), spacing=1.5, options=DeformationOptions(),
                           rng=np.random.default_rng(0), device=ELSEWHERE)  # fmt: skip


def test_the_points_of_a_deformed_case_are_made_on_the_device(points):
    assert points.shape == (*SHAPE, 3)
    assert points.device == ELSEWHERE
    assert sampling_grid(points, (20, 20, 20)).device == ELSEWHERE


def test_a_shape_is_taken_on_where_the_points_are(points):
    assert ShapeWarp(np.zeros((3, 4, 4, 4), np.float32))(points).device == ELSEWHERE


def test_a_thigh_turns_where_the_points_are(points):
    joint = HipJoint(75, np.full(3, 8.0), 22.0, 0, np.ones((4, 4, 4), np.float32))
    parts = torch.ones((16, 16, 16), dtype=torch.uint8, device=ELSEWHERE)
    found, stray = rotate_thigh(points, parts, joint, thigh_rotation(20.0, 5.0, 5.0))
    assert found.device == stray.device == ELSEWHERE


def test_streaks_are_projected_where_the_image_is(without_values):
    assert back_project(project(torch.zeros((1, 2, 8, 8), device=ELSEWHERE), 3.0), 3.0).device == ELSEWHERE


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA graphics card")
def test_a_case_of_a_graphics_card_is_that_of_the_cpu_but_for_rounding(a_block_person):
    for patient in (Patient(a_block_person), find_patient(a_block_person)):
        here, there = (
            synthesize_case(patient, SynthesisOptions(hardening=1.0), np.random.default_rng(5), device=device)
            for device in (torch.device("cpu"), torch.device("cuda"))
        )
        assert (here[1] == there[1]).mean() > 0.999
        assert np.median(np.abs(here[0].astype(int) - there[0])) <= 1


@pytest.mark.parametrize("device", ["mps", "gpu", "cuda:x"])
def test_a_device_that_synthesis_cannot_use_is_refused(tmp_path, device):
    with pytest.raises(UsageError, match=f"Unknown device '{device}'"):
        command.run_command(_arguments(tmp_path, device))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an NVIDIA graphics card")
def test_a_graphics_card_that_is_not_there_is_told_before_anything_is_written(tmp_path):
    (tmp_path / "a.nii.gz").touch()
    with pytest.raises(MissingError, match="'cuda' is not available") as raised:
        command.run_command(_arguments(tmp_path, "cuda"))
    for device in re.findall(r"--device (\w+)", raised.value.remedy):
        check_device(device, SYNTHESIS_DEVICES)
    assert not (tmp_path / "out").exists()


def _arguments(folder, device):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args([str(folder), "-o", str(folder / "out"), "--device", device])
