"""Synthetic CT from a block person: reproducible, plausible in HU, sides right, negatives empty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BoneSegLib.training.synthesis.damage import DamageOptions
from BoneSegLib.training.synthesis.deformation import DeformationOptions, rotation_matrix, sampling_points
from BoneSegLib.training.synthesis.generator import SynthesisOptions, synthesize_case
from BoneSegLib.training.synthesis.patient import Patient, find_patient
from BoneSegLib.training.synthesis.tissue import CLASS_COUNT, OTHER_BONE, mirrored_labels, target_table

STILL = DeformationOptions(rotation=(0.0, 0.0, 0.0), log_size=0.0, log_axis_size=0.0, bend_mm=0.0, elastic=())
PLAIN = SynthesisOptions(
    whole=1.0,
    negatives=0.0,
    tight=0.0,
    mirror=0.0,
    table=0.0,
    arm=0.0,
    clothes=0.0,
    implant=0.0,
    tilt=0.0,
    circle=0.0,
    damage=DamageOptions(fracture=0.0, missing=0.0),
    deformation=STILL,
)


def _case(person, options, seed=3):
    return synthesize_case(Patient(person), options, np.random.default_rng(seed))


def test_the_same_seed_gives_the_same_case(a_block_person):
    first, second = (_case(a_block_person, SynthesisOptions()) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_a_patient_who_changes_is_the_same_again_from_the_same_seed(a_block_person):
    patient = find_patient(a_block_person)
    assert patient.bodies.size
    changed, again = (synthesize_case(patient, PLAIN, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(changed[0], again[0])
    unchanged = synthesize_case(Patient(a_block_person), PLAIN, np.random.default_rng(5))
    assert (changed[1] != unchanged[1]).any()
    lumbar = [np.argwhere(changed[1] == label)[:, 0].mean() for label in range(6, 11) if (changed[1] == label).any()]
    assert lumbar == sorted(lumbar, reverse=True)


def test_another_seed_gives_another_case(a_block_person):
    first, second = (_case(a_block_person, PLAIN, seed)[0] for seed in (1, 2))
    assert (first != second).mean() > 0.5


def test_without_deformation_the_labels_are_those_of_the_map(a_block_person):
    _, labels = _case(a_block_person, PLAIN)
    middle = tuple(
        slice((a - b) // 2, (a - b) // 2 + b) for a, b in zip(labels.shape, a_block_person.labels.shape, strict=True)
    )
    assert (labels[middle] == a_block_person.targets).mean() > 0.99


@pytest.mark.parametrize("spacing", [0.5, 0.75])
def test_on_a_finer_grid_each_bone_is_as_large(a_block_person, spacing):
    options = replace(PLAIN, largest_shape=(600, 200, 200))
    expected, found = (
        np.bincount(_case(a_block_person, replace(options, spacing=step))[1].ravel(), minlength=CLASS_COUNT) * step**3
        for step in (1.5, spacing)
    )
    np.testing.assert_allclose(found[1:], expected[1:], rtol=0.08)  # finer voxels round the corners of blocks


def test_a_map_of_larger_voxels_makes_a_larger_patient(a_block_person):
    twice = replace(a_block_person, spacing=3.0)
    options = replace(PLAIN, largest_shape=(400, 400, 400))
    once, larger = (_case(person, options)[1] for person in (a_block_person, twice))
    assert (larger > 0).sum() == pytest.approx(8 * (once > 0).sum(), rel=0.02)


def test_on_a_fine_grid_a_case_shows_less_rather_than_fill_the_memory(a_block_person):
    ct, _ = _case(a_block_person, replace(PLAIN, spacing=0.5, largest_shape=(120, 80, 100)))
    assert ct.shape[0] <= 120
    assert ct.shape[1:] == (78, 98)  # 26 and 33 voxels of the map, even numbers of the case's


def test_bone_is_brighter_than_what_surrounds_it_and_air_is_air(a_block_person):
    ct, labels = _case(a_block_person, PLAIN)
    assert ct.dtype == np.int16
    assert labels.dtype == np.uint8
    assert np.median(ct[labels > 0]) > np.median(ct[(labels == 0) & (ct > -500)]) + 80
    assert ct.min() >= -1024
    assert ct.max() <= 3071


def test_a_mirrored_case_has_its_sides_swapped(a_block_person):
    _, labels = _case(a_block_person, replace(PLAIN, mirror=1.0))
    for left, right in ((1, 2), (4, 5)):
        assert np.argwhere(labels == left)[:, 2].mean() > np.argwhere(labels == right)[:, 2].mean()


def test_negatives_hold_none_of_the_ten_bones_but_others(a_block_person):
    for seed in range(4):
        _, labels = _case(a_block_person, replace(PLAIN, whole=0.0, negatives=1.0), seed)
        assert set(np.unique(labels)) <= {0, OTHER_BONE}
        assert (labels == OTHER_BONE).any()


def test_every_anatomy_value_has_one_training_label():
    table = target_table()
    assert table.max() == OTHER_BONE == CLASS_COUNT - 1
    assert [int(table[value]) for value in (77, 78, 25, 26, 75, 76, 31, 27, 32, 20)] == [1, 2, 3, 3, 4, 5, 6, 10, 11, 0]


def test_mirroring_twice_changes_nothing():
    table = mirrored_labels()
    np.testing.assert_array_equal(table[table], np.arange(CLASS_COUNT))


@pytest.mark.parametrize("degrees", [(0, 0, 0), (90, 0, 0), (20, -35, 60)])
def test_rotations_keep_lengths_and_handedness(degrees):
    matrix = rotation_matrix(np.array(degrees, dtype=float))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1.0)


def test_nobody_is_made_a_giant():
    options = replace(STILL, log_size=5.0)
    steps = []
    for seed in range(6):
        points = sampling_points((4, 4, 4), center=np.zeros(3), spacing=1.5, options=options,
                                 rng=np.random.default_rng(seed))  # fmt: skip
        steps.append((points[1:] - points[:-1])[..., 0].mean().item())
    assert min(steps) == pytest.approx(1 / 1.3)
    assert max(steps) > 2
