"""Femurs of other subjects on stretched ellipsoids: found in a map that cuts them, and brought to a subject's shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap
from BoneSegLib.training.synthesis.femur_shape import FemurModel, fit_femur, load_femur_models, warp_to_femur
from BoneSegLib.training.synthesis.hip_joint import HipOptions
from BoneSegLib.training.synthesis.patient import PatientOptions, change, find_patient
from BoneSegLib.training.synthesis.shapes import Shapes

SPACING = 1.5
SHAPE = (80, 80, 80)
CENTER, RADII = np.array((20.0, 40.0, 40.0)), np.array((48.0, 14.0, 18.0))
"""In voxels: the lower part lies below the map."""
STRETCHES = [(1, 1, 1), (1, 1.2, 1), (1, 0.85, 1), (1, 1, 1.2), (1, 1, 0.85), (1.08, 1, 1), (0.92, 1, 1)]


def _sphere(count: int) -> np.ndarray:
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    radius = np.sqrt(1 - height**2)
    return np.stack([height, radius * np.cos(turn), radius * np.sin(turn)], -1)


def _points(stretch) -> np.ndarray:
    """In mm (kji) from the middle."""
    return SPACING * _sphere(300) * RADII * stretch


@pytest.fixture(scope="module")
def a_family() -> FemurModel:
    return FemurModel(np.array([_points(stretch) for stretch in STRETCHES]), femur=75, hip=77)


@pytest.fixture(scope="module")
def a_thigh() -> AnatomyMap:
    """An ellipsoid that the map cuts at its lower end, and a hip bone 20 mm above and beside it."""
    labels = np.zeros(SHAPE, np.uint8)
    grids = np.ogrid[tuple(slice(0, size) for size in SHAPE)]
    inside = sum(((g - c) / r) ** 2 for g, c, r in zip(grids, CENTER, RADII, strict=True)) < 1
    labels[inside] = 75
    labels[50:76, 30:50, 4:8] = 77
    nothing = np.zeros(SHAPE, np.float16)
    return AnatomyMap("thigh", SPACING, labels, nothing, nothing, np.zeros(SHAPE, np.uint8))


def test_the_model_comes_to_lie_on_what_the_map_shows_of_the_femur(a_family, a_thigh):
    fitted = fit_femur(a_family, a_thigh)
    assert fitted is not None
    beyond = np.linalg.norm((fitted.points[fitted.seen] / SPACING - CENTER) / RADII, axis=1) - 1
    assert np.abs(beyond * RADII[1:].mean() * SPACING).mean() < 1.2  # mm from the surface
    assert 0.3 < fitted.seen.mean() < 0.9
    assert (fitted.points[fitted.seen][:, 0] > 0).all()


@pytest.mark.parametrize(("subject", "axis"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_the_femur_of_a_subject_is_as_thick_as_the_subjects_and_the_hip_bone_stays(a_family, a_thigh, subject, axis):
    fitted = fit_femur(a_family, a_thigh)
    warp = warp_to_femur(fitted, subject, a_thigh)
    assert warp is not None
    voxels = torch.stack(torch.meshgrid(*(torch.arange(n).float() for n in SHAPE), indexing="ij"), -1)
    source = warp(voxels).round().long()
    source = torch.minimum(source.clamp(min=0), torch.tensor(SHAPE) - 1)
    shown = a_thigh.labels[source[..., 0], source[..., 1], source[..., 2]]
    wide = [np.ptp(np.argwhere(labels[24] == 75)[:, axis - 1]) for labels in (a_thigh.labels, shown)]
    assert wide[1] / wide[0] == pytest.approx(STRETCHES[subject][axis], abs=0.06)
    hip = np.argwhere(a_thigh.labels == 77)
    away = np.linalg.norm(warp(torch.from_numpy(hip.astype(np.float32)).view(1, 1, -1, 3))[0, 0].numpy() - hip, axis=1)
    assert away.mean() < 0.5


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_patient_has_other_femurs_where_asked_for(a_family, a_thigh, share):
    patient = find_patient(a_thigh, Shapes(femurs=(a_family,)))
    voxels = torch.stack(torch.meshgrid(*(torch.arange(n).float() for n in SHAPE), indexing="ij"), -1)
    options = PatientOptions(femur=share, femur_strength=(1.0, 1.0), hips=HipOptions(share=0.0))
    moved = [
        float((change(voxels, patient, options, np.random.default_rng(seed))[0] - voxels).abs().max())
        for seed in range(6)
    ]
    # One subject of the seven is the map itself.
    assert (max(moved) > 1.0) == bool(share)


def test_a_femur_of_which_only_the_tip_is_seen_is_not_fitted(a_family, a_thigh):
    labels = a_thigh.labels.copy()
    labels[:50] = 0
    tip = AnatomyMap("tip", SPACING, labels, a_thigh.depth, a_thigh.body, a_thigh.gap)
    assert fit_femur(a_family, tip) is None


def test_a_folder_without_femurs_has_no_model(tmp_path):
    assert load_femur_models(tmp_path) == []
