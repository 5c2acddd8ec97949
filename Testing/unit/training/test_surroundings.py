"""Tables lie in the air behind the back, and look alike on every grid."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.training.synthesis.surroundings import BODY_HU, add_table

SEEDS = range(12)
SIZE_MM = (6.0, 360.0, 540.0)
"""k, j, i."""


def a_body(spacing: float) -> np.ndarray:
    """HU (kji): an ellipse of muscle in air, its back 30 mm above the middle of the space behind it."""
    shape = [round(size / spacing) for size in SIZE_MM]
    j, i = np.ogrid[: shape[1], : shape[2]]
    inside = ((j * spacing - 130) / 100) ** 2 + ((i * spacing - 270) / 170) ** 2 < 1
    return np.broadcast_to(np.where(inside, 50.0, -1000.0), shape).astype(np.float32)


def with_table(seed: int, spacing: float) -> np.ndarray:
    ct = a_body(spacing)
    add_table(ct, ct > BODY_HU, spacing=spacing, rng=np.random.default_rng(seed))
    return ct


@pytest.mark.parametrize("seed", SEEDS)
def test_a_table_changes_air_alone_and_nothing_before_the_back(seed):
    before, after = a_body(3.0), with_table(seed, 3.0)
    changed = after != before
    assert changed.any()
    assert (before[changed] == -1000).all()
    rails = 20 / 2 + 30  # at most so far above the middle of the table, which curves upwards
    assert np.flatnonzero(changed.any((0, 2))).min() * 3.0 > 230 - 0.0012 * 260**2 - rails


def test_rails_are_as_bright_as_bone_and_many_tables_have_none():
    brightest = [with_table(seed, 1.5).max() for seed in SEEDS]
    assert max(brightest) > 300
    assert min(brightest) == 50


@pytest.mark.parametrize("seed", SEEDS)
def test_a_table_weighs_the_same_on_a_coarse_grid(seed):
    fine, coarse = ((with_table(seed, step) - a_body(step)).sum(dtype=float) * step**3 for step in (1.5, 6.0))
    assert coarse == pytest.approx(fine, rel=0.25)


def test_without_a_patient_there_is_no_table():
    ct = np.full((2, 20, 20), -1000, np.float32)
    add_table(ct, ct > BODY_HU, spacing=3.0, rng=np.random.default_rng(0))
    assert (ct == -1000).all()
