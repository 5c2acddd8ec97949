"""Implants in bones of simple shape: where the metal is, which bone gives way, and to which bone it belongs."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.training.synthesis.implants import (
    apply_to_labels,
    femoral_nail,
    hip_prosthesis,
    pedicle_screws,
    plate,
    random_implant,
    rod,
)

SPACING = 1.5
HEAD = np.array([130.0, 50.0, 40.0])


def _hip() -> np.ndarray:
    """Left femur: a ball, a neck to the side (+i), a shaft down; above the ball a cup of hip bone."""
    targets = np.zeros((160, 100, 110), np.uint8)
    k, j, i = np.ogrid[tuple(slice(0, size) for size in targets.shape)]
    distance = SPACING * np.sqrt((k - HEAD[0]) ** 2 + (j - HEAD[1]) ** 2 + (i - HEAD[2]) ** 2)
    shaft = HEAD + np.array([-15, 0, 26])
    targets |= (4 * rod(targets.shape, shaft, shaft * [0, 1, 1] + [4, 0, 0], radius=9)).astype(np.uint8)
    targets[rod(targets.shape, HEAD, shaft, radius=9)] = 4
    targets[distance < 23] = 4
    targets[(distance > 26) & (distance < 34) & (k - i > HEAD[0] - HEAD[2] - 8)] = 1
    return targets


@pytest.fixture(scope="module")
def a_hip() -> np.ndarray:
    return _hip()


@pytest.fixture(scope="module")
def a_spine() -> np.ndarray:
    """Five blocks with arches behind them, L5 (10) to L1 (6) upwards."""
    targets = np.zeros((150, 90, 90), np.uint8)
    for number, label in enumerate((10, 9, 8, 7, 6)):
        low = 5 + 28 * number
        targets[low : low + 20, 25:48, 30:60] = label
        targets[low + 5 : low + 16, 48:70, 32:58] = label
    return targets


def _random() -> np.random.Generator:
    return np.random.default_rng(1)


def test_a_rod_has_the_volume_of_a_cylinder_with_round_ends():
    mask = rod((40, 40, 60), np.array([20.0, 20.0, 15.0]), np.array([20.0, 20.0, 45.0]), radius=6.0)
    assert mask.sum() == pytest.approx(np.pi * 36 * 30 + 4 / 3 * np.pi * 216, rel=0.05)


def test_pedicle_screws_reach_from_behind_into_the_bodies(a_spine):
    implant = pedicle_screws(a_spine, spacing=SPACING, rng=_random())
    assert implant is not None
    inside = implant.metal & (a_spine > 0)
    assert inside.sum() > 100
    assert (implant.metal & (a_spine == 0)).any()
    assert np.argwhere(implant.metal)[:, 1].max() > 60
    assert set(implant.belongs) == set()


def test_a_prosthesis_replaces_the_head_and_stays_in_the_shaft(a_hip):
    targets = a_hip.copy()
    implant = hip_prosthesis(targets, spacing=SPACING, rng=np.random.default_rng(4))
    for seed in range(20):  # the side is drawn: only the left one is here
        implant = implant or hip_prosthesis(targets, spacing=SPACING, rng=np.random.default_rng(seed))
    assert implant is not None
    apply_to_labels(targets, implant)
    center = tuple(HEAD.astype(int))
    assert implant.metal[center]
    assert targets[center] == 4  # the ball is femur
    assert implant.removed is not None
    assert (implant.removed & ~(a_hip == 4)).sum() == 0
    shaft = (slice(20, 60), slice(30, 70), slice(50, 90))
    assert (targets[shaft] == a_hip[shaft]).all()
    metal_in_shaft = implant.metal[95:105] & (a_hip[95:105] == 4)
    assert metal_in_shaft.any()


def test_a_nail_changes_no_label_and_passes_the_head(a_hip):
    found = [femoral_nail(a_hip, spacing=SPACING, rng=np.random.default_rng(seed)) for seed in range(6)]
    implants = [implant for implant in found if implant]
    assert implants
    for implant in implants:
        assert implant.metal[tuple(HEAD.astype(int))]
        assert implant.removed is None
        assert implant.belongs == {}


def test_a_plate_lies_on_the_bone_and_its_screws_in_it(a_hip):
    implant = plate(a_hip, spacing=SPACING, rng=_random())
    assert implant is not None
    assert (implant.metal & (a_hip == 0)).sum() > 50
    assert (implant.metal & (a_hip > 0)).sum() > 50


def test_without_bones_there_is_no_implant():
    assert random_implant(np.zeros((40, 40, 40), np.uint8), spacing=SPACING, rng=_random()) is None
