"""Shapes of other subjects on ellipsoids: the model finds them in a map, and the warp brings a map to a subject."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from BoneSegLib.errors import InputError
from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap
from BoneSegLib.training.synthesis.shape_model import ShapeModel, fit, load_shape_model, warp_to_subject

SPACING = 1.5
SHAPE = (110, 100, 160)
CENTERS = {77: (55, 45, 125), 78: (55, 45, 35), 25: (65, 75, 80)}
RADII = {77: (40, 25, 18), 78: (40, 25, 18), 25: (25, 14, 30)}


def _sphere(count: int) -> np.ndarray:
    """Points spread over the unit sphere (Fibonacci's spiral)."""
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    radius = np.sqrt(1 - height**2)
    return np.stack([height, radius * np.cos(turn), radius * np.sin(turn)], -1)


def _subject(stretch: np.ndarray) -> list[np.ndarray]:
    """Points of the three bones in mm (kji), each pelvis stretched as a whole."""
    return [SPACING * (np.array(CENTERS[v]) + _sphere(160) * RADII[v]) * stretch for v in (77, 78, 25)]


@pytest.fixture(scope="module")
def a_family() -> ShapeModel:
    """Subjects that differ in height, depth and width; the mean is the map's pelvis."""
    stretches = [(1, 1, 1), (1.1, 1, 1), (0.9, 1, 1), (1, 1.1, 1), (1, 0.9, 1), (1, 1, 1.1), (1, 1, 0.9)]
    subjects = [np.concatenate(_subject(np.array(s))) for s in stretches]
    centered = np.array([points - points.mean(0) for points in subjects])
    return ShapeModel(tuple("abcdefg"), centered, np.repeat([0, 1, 2], 160))


@pytest.fixture(scope="module")
def a_pelvis() -> AnatomyMap:
    labels = np.zeros(SHAPE, np.uint8)
    grids = np.ogrid[tuple(slice(0, size) for size in SHAPE)]
    for value, center in CENTERS.items():
        inside = sum(((g - c) / r) ** 2 for g, c, r in zip(grids, center, RADII[value], strict=True)) < 1
        labels[inside] = value
    nothing = np.zeros(SHAPE, np.float16)
    return AnatomyMap("pelvis", SPACING, labels, nothing, nothing, np.zeros(SHAPE, np.uint8))


def test_the_model_comes_to_lie_on_the_bones_of_the_map(a_family, a_pelvis):
    points = fit(a_family, a_pelvis)
    assert points is not None
    truth = np.concatenate(_subject(np.ones(3)))
    assert np.linalg.norm(points - truth, axis=1).mean() < 2.0


def test_a_map_without_a_hip_is_not_fitted(a_family, a_pelvis):
    labels = np.where(a_pelvis.labels == 77, 0, a_pelvis.labels).astype(np.uint8)
    without = AnatomyMap("one", SPACING, labels, a_pelvis.depth, a_pelvis.body, a_pelvis.gap)
    assert fit(a_family, without) is None


@pytest.mark.parametrize("subject", range(1, 7))
def test_the_warp_puts_the_points_of_the_map_onto_those_of_the_subject(a_family, a_pelvis, subject):
    here = np.concatenate(_subject(np.ones(3)))
    warp = warp_to_subject(a_family, here, subject, a_pelvis)
    assert warp is not None
    target = a_family.subjects[subject] + (here.mean(0) - a_family.subjects[subject].mean(0))
    found = warp(torch.from_numpy((target / SPACING).astype(np.float32)).view(1, 1, -1, 3))[0, 0].numpy() * SPACING
    assert np.linalg.norm(found - here, axis=1).mean() < 1.5
    assert np.linalg.norm(target - here, axis=1).mean() > 2.0  # there was something to do


def test_a_warp_that_would_go_too_far_is_refused(a_family, a_pelvis):
    here = np.concatenate(_subject(np.ones(3)))
    assert warp_to_subject(a_family, here, 1, a_pelvis, strength=12.0) is None


def test_a_folder_without_subjects_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="too few subjects"):
        load_shape_model(tmp_path)
