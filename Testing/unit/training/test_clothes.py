"""Clothes lie around the patient, in air alone, whatever they span."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BoneSegLib.training.synthesis import clothes
from BoneSegLib.training.synthesis.clothes import add_clothes
from BoneSegLib.training.synthesis.generator import SynthesisOptions, synthesize_case
from BoneSegLib.training.synthesis.patient import Patient
from BoneSegLib.training.synthesis.surroundings import BODY_HU

SEEDS = range(8)
SIZE_MM = (60.0, 270.0, 390.0)
"""k, j, i."""
AXES_MM = (100.0, 160.0)
FARTHEST_MM = 60.0
"""How far clothes may be lifted at most, in mm of the shorter axis."""


def from_skin(spacing: float) -> np.ndarray:
    """About the mm from the skin of an ellipse (kji), its middle in the middle, negative inside."""
    shape = [round(size / spacing) for size in SIZE_MM]
    j, i = np.ogrid[: shape[1], : shape[2]]
    share = np.hypot((j * spacing - 135) / AXES_MM[0], (i * spacing - 195) / AXES_MM[1])
    return np.broadcast_to((share - 1) * AXES_MM[0], shape)


def a_body(spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """HU, and where the body is: muscle around lungs of air."""
    distance = from_skin(spacing)
    return np.where((distance < 0) & (distance > -60), 50.0, -1000.0).astype(np.float32), distance < 0


def dressed(seed: int, spacing: float) -> np.ndarray:
    ct, inside = a_body(spacing)
    add_clothes(ct, inside, spacing=spacing, rng=np.random.default_rng(seed))
    return ct


@pytest.mark.parametrize("seed", SEEDS)
def test_clothes_lie_in_the_air_around_the_body_and_near_it(seed):
    changed = dressed(seed, 3.0) != a_body(3.0)[0]
    assert changed.any()
    assert from_skin(3.0)[changed].min() >= 0
    assert from_skin(3.0)[changed].max() < FARTHEST_MM


@pytest.mark.parametrize("seed", SEEDS)
def test_fabric_alone_is_thin_and_darker_than_the_body(seed, monkeypatch):
    monkeypatch.setattr(clothes, "_FASTENED", 0.0)
    monkeypatch.setattr(clothes, "_WITH_LEAD", 0.0)
    fabric = dressed(seed, 1.5)[~a_body(1.5)[1]]
    assert -900 < fabric.max() <= -250
    assert (fabric > -990).mean() < 0.25


@pytest.mark.parametrize("share", ["_FASTENED", "_WITH_LEAD"])
def test_what_fastens_clothes_and_leads_are_small_and_some_bright_as_bone(share, monkeypatch):
    monkeypatch.setattr(clothes, "_FASTENED", 0.0)
    monkeypatch.setattr(clothes, "_WITH_LEAD", 0.0)
    plain = [dressed(seed, 1.5) for seed in SEEDS]
    monkeypatch.setattr(clothes, share, 1.0)
    added = [dressed(seed, 1.5) for seed in SEEDS]
    assert max(ct.max() for ct in added) > 1000
    for before, after in zip(plain, added, strict=True):
        assert 0 <= ((before != after) * 1.5**3).sum() < 20_000  # mm3


def test_nobody_is_nobody_dressed():
    ct = np.full((2, 20, 20), -1000, np.float32)
    add_clothes(ct, ct > BODY_HU, spacing=3.0, rng=np.random.default_rng(0))
    assert (ct == -1000).all()


def test_a_dressed_case_has_the_labels_of_an_undressed_one(a_block_person):
    still = SynthesisOptions(table=0.0, arm=0.0, implant=0.0, tilt=0.0, circle=0.0, mirror=0.0)
    bare, worn = (
        synthesize_case(Patient(a_block_person), replace(still, clothes=share), np.random.default_rng(3))
        for share in (0.0, 1.0)
    )
    np.testing.assert_array_equal(bare[1], worn[1])
    assert (bare[0] != worn[0]).any()
