"""Vertebrae of another subject on ellipsoids with a process: laid onto a map's, and the map brought to their shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from BoneSegLib.errors import InputError
from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap
from BoneSegLib.training.synthesis.hip_joint import HipOptions
from BoneSegLib.training.synthesis.lumbar_shape import (
    LumbarSpine,
    fit_lumbar_spine,
    load_lumbar_spine,
    warp_to_lumbar_spine,
)
from BoneSegLib.training.synthesis.patient import PatientOptions, change, find_patient
from BoneSegLib.training.synthesis.shapes import Shapes, load_shapes

SPACING = 1.5
SHAPE = (72, 72, 72)
L3, L4 = 29, 28
BODY = np.array((18.0, 22.0, 24.0))
"""Radii (kji) in mm of the map's vertebral body; the subject's is narrower in j, wider in i, and larger."""
SUBJECT = 1.25 * np.array((18.0, 18.0, 28.0))
PROCESS = np.array((6.0, 18.0, 6.0))
MIDDLE = np.array(SHAPE) * SPACING / 2


def _sphere(count: int) -> np.ndarray:
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    radius = np.sqrt(1 - height**2)
    return np.stack([height, radius * np.cos(turn), radius * np.sin(turn)], -1)


def _vertebra(body: np.ndarray, process: np.ndarray) -> np.ndarray:
    """Points on the surface of a body and of a process behind it (mm, kji)."""
    behind = np.array((0, body[1] + process[1] * 0.6, 0))
    parts = [_sphere(500) * body, _sphere(200) * process + behind]
    inside = (((parts[1] / body) ** 2).sum(1) < 1, (((parts[0] - behind) / process) ** 2).sum(1) < 1)
    return np.concatenate([parts[0][~inside[1]], parts[1][~inside[0]]])


@pytest.fixture(scope="module")
def a_subject() -> LumbarSpine:
    """Faces another way than the map, and lies elsewhere."""
    points = _vertebra(SUBJECT, 1.25 * PROCESS)
    turned = np.stack([points[:, 0], points[:, 2], -points[:, 1]], -1)
    return LumbarSpine({L3: turned + 400.0, L4: turned - 400.0})


@pytest.fixture(scope="module")
def a_spine() -> AnatomyMap:
    """L3 in the middle; of L4 only the tip of its process, which the map's lower end cuts."""
    labels = np.zeros(SHAPE, np.uint8)
    grids = np.stack(np.meshgrid(*(np.arange(size) * SPACING for size in SHAPE), indexing="ij"), -1) - MIDDLE
    body = ((grids / BODY) ** 2).sum(-1) < 1
    process = (((grids - (0, BODY[1] + PROCESS[1] * 0.6, 0)) / PROCESS) ** 2).sum(-1) < 1
    labels[body | process] = L3
    labels[:4, 30:42, 30:42] = L4
    depth = SPACING * ndimage.distance_transform_edt(labels > 0)
    return AnatomyMap("spine", SPACING, labels, depth, np.zeros(SHAPE, np.float16), np.zeros(SHAPE, np.uint8))


@pytest.fixture(scope="module")
def fitted(a_subject, a_spine):
    return fit_lumbar_spine(a_subject, a_spine)


def test_a_vertebra_comes_to_lie_on_the_maps_whichever_way_it_faced(fitted):
    away = fitted.mapped - MIDDLE
    on_body = away[:, 1] < BODY[1] * 0.7
    assert np.abs(np.sqrt(((away[on_body] / BODY) ** 2).sum(1)) - 1).mean() * BODY.mean() < 1.5
    assert away[:, 1].max() > BODY[1] + PROCESS[1]  # the process lies behind
    assert np.linalg.norm(fitted.mapped - fitted.subject, axis=1).mean() < 5


def test_what_the_map_cuts_is_left_alone(a_subject, a_spine):
    assert fit_lumbar_spine(LumbarSpine({L4: a_subject.vertebrae[L4]}), a_spine) is None


@pytest.mark.parametrize(("strength", "wider"), [(1.0, True), (-0.7, False)])
def test_the_map_takes_on_the_subjects_shape_but_not_its_size(fitted, a_spine, strength, wider):
    warp = warp_to_lumbar_spine(fitted, a_spine, strength=strength)
    assert warp is not None
    shown = a_spine.labels[tuple(_source(warp(_voxels())))]
    ratios = []
    for labels in (a_spine.labels, shown):
        row = np.argwhere(labels[SHAPE[0] // 2] == L3)
        in_front = row[row[:, 0] < SHAPE[1] // 2]
        ratios.append(np.ptp(in_front[:, 1]) / np.ptp(in_front[:, 0]))
    subjects = SUBJECT[2] / SUBJECT[1] / (BODY[2] / BODY[1])  # 1.43
    change_of_shape = ratios[1] / ratios[0]
    assert (1.1 < change_of_shape < subjects + 0.1) if wider else (change_of_shape < 0.95)
    assert (shown == L3).sum() == pytest.approx((a_spine.labels == L3).sum(), rel=0.15)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_patient_has_other_vertebrae_where_asked_for(a_subject, a_spine, share):
    patient = find_patient(a_spine, Shapes(spines=(a_subject,)))
    options = PatientOptions(lumbar=share, lumbar_strength=(1.0, 1.0), hips=HipOptions(share=0.0))
    moved, _ = change(_voxels(), patient, options, np.random.default_rng(0))
    assert bool((moved - _voxels()).abs().max() > 1) == (share > 0)


def test_a_folder_without_all_five_vertebrae_is_no_lumbar_spine(tmp_path):
    (tmp_path / "vertebra_L1.vtp").touch()
    assert load_lumbar_spine(tmp_path) is None
    with pytest.raises(InputError, match="too few subjects"):
        load_shapes([tmp_path])


def _voxels() -> torch.Tensor:
    return torch.stack(torch.meshgrid(*(torch.arange(n).float() for n in SHAPE), indexing="ij"), -1)


def _source(points: torch.Tensor) -> list[torch.Tensor]:
    nearest = torch.minimum(points.round().long().clamp(min=0), torch.tensor(SHAPE) - 1)
    return [nearest[..., axis] for axis in range(3)]
