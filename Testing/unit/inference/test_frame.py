"""The network sees every image from the same side; the labels go back where they belong."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from BoneSegLib.inference.frame import make_frame, needs_straightening, resample_between, straight_geometry
from BoneSegLib.volume import Geometry

PERMUTATIONS = list(itertools.permutations(range(3)))
SIGNS = list(itertools.product((1, -1), repeat=3))


def landmark_image(geometry: Geometry) -> np.ndarray:
    """Each voxel holds a number made of its RAS position, so that any flip or permutation shows."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij")
    ijk = np.stack([i, j, k], axis=-1)
    ras = ijk @ geometry.ijk_to_ras[:3, :3].T + geometry.ijk_to_ras[:3, 3]
    return 1000 + ras @ np.array([1.0, 7.0, 31.0])


@pytest.mark.parametrize("order", PERMUTATIONS)
@pytest.mark.parametrize("signs", SIGNS)
def test_every_orientation_is_seen_as_lps(order, signs):
    directions = np.zeros((3, 3))
    for column, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        directions[axis, column] = sign
    geometry = Geometry.from_spacing((4, 5, 6), (1.0, 1.5, 2.0), origin=(3.0, 2.0, 1.0), directions=directions)
    array = landmark_image(geometry)
    frame = make_frame(array, geometry, canonical=True, transpose=(0, 1, 2))
    seen = frame.view(array)
    step_k, step_j, step_i = (np.diff(seen, axis=axis).flat[0] for axis in range(3))
    spacing = frame.spacing(geometry)
    assert np.isclose(step_k, 31.0 * spacing[0])  # towards the head
    assert np.isclose(step_j, -7.0 * spacing[1])  # towards the back
    assert np.isclose(step_i, -1.0 * spacing[2])  # towards the left


def test_without_a_canonical_orientation_the_array_is_seen_as_stored():
    geometry = Geometry.from_spacing((4, 5, 6), (1.0, 1.0, 1.0))
    array = landmark_image(geometry)
    frame = make_frame(array, geometry, canonical=False, transpose=(1, 0, 2))
    assert np.array_equal(frame.view(array), array.transpose(1, 0, 2))


def test_the_view_is_not_a_copy():
    geometry = Geometry.from_spacing((4, 5, 6), (1.0, 1.0, 1.0))
    array = landmark_image(geometry)
    make_frame(array, geometry, canonical=True, transpose=(0, 1, 2)).view(array)[...] = 0
    assert not array.any()


def test_borders_of_zeros_are_cropped_as_nnunet_does():
    array = np.zeros((10, 10, 10))
    array[2:5, 3:9, 4:6] = 7
    geometry = Geometry.from_spacing((10, 10, 10), (1.0, 1.0, 1.0))
    frame = make_frame(array, geometry, canonical=False, transpose=(0, 1, 2))
    assert frame.crop == ((2, 5), (3, 9), (4, 6))


def rotated(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])


@pytest.mark.parametrize(
    ("degrees", "expected"), [(0.0, False), (10.0, False), (25.0, True), (44.0, True), (80.0, False)]
)
def test_only_images_far_from_the_axes_are_straightened(degrees, expected):
    geometry = Geometry.from_spacing((9, 9, 9), (1.0, 1.0, 1.0), directions=rotated(degrees))
    assert needs_straightening(geometry) is expected


def test_a_sheared_image_is_straightened():
    matrix = np.eye(4)
    matrix[1, 2] = np.tan(np.radians(15))
    assert needs_straightening(Geometry((9, 9, 9), matrix))


def test_a_ball_survives_the_way_to_the_straight_box_and_back():
    source = Geometry.from_spacing((40, 44, 36), (1.0, 0.9, 1.2), origin=(-10, 5, 2), directions=rotated(30))
    k, j, i = np.meshgrid(*(np.arange(n) for n in source.shape), indexing="ij")
    ras = np.stack([i, j, k], axis=-1) @ source.ijk_to_ras[:3, :3].T + source.ijk_to_ras[:3, 3]
    center = source.corners().mean(axis=0)
    ball = (np.linalg.norm(ras - center, axis=-1) < 10).astype(np.uint8)
    box = straight_geometry(source)
    there = resample_between(ball, source, box, linear=False, fill=0)
    back = resample_between(there, box, source, linear=False, fill=0)
    assert there.shape == box.shape
    dice = 2 * (back & ball).sum() / (int(back.sum()) + int(ball.sum()))
    assert dice > 0.95
