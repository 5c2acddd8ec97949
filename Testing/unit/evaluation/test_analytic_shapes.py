"""Metrics of shapes for which they can be reckoned by hand."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_shapes import ball_mask, box_mask, labelmap, rotation

from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.options import CompareOptions

SURFACES = ("surfel", "voxel")
SPACINGS_KJI = [(1.0, 1.0, 1.0), (2.5, 0.9, 0.7), (0.5, 0.5, 3.0)]


def compared(
    reference, test, spacing_kji=(1.0, 1.0, 1.0), *, surface="surfel", tolerance_mm=2.0, matrix=None, mask=None
):
    options = CompareOptions(surface=surface, tolerance_mm=tolerance_mm, structures=("hip_left",), mask=mask)
    one = labelmap(reference, spacing_kji, matrix=matrix)
    other = labelmap(test, spacing_kji, matrix=matrix)
    return compare_labelmaps(one, other, options=options).score("hip_left")


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("spacing", SPACINGS_KJI)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_shifted_box(surface, spacing, axis):
    shift = [0, 0, 0]
    shift[axis] = 3
    start, stop = (6, 6, 6), (16, 18, 20)
    reference = box_mask((30, 30, 30), start, stop)
    test = box_mask((30, 30, 30), np.add(start, shift), np.add(stop, shift))
    score = compared(reference, test, spacing, surface=surface)
    length = stop[axis] - start[axis]
    voxel_ml = np.prod(spacing) / 1000
    assert score.dice == pytest.approx((length - 3) / length, abs=1e-12)
    assert score.jaccard == pytest.approx((length - 3) / (length + 3), abs=1e-12)
    assert score.precision == score.recall == pytest.approx((length - 3) / length, abs=1e-12)
    assert score.volume_reference_ml == pytest.approx(10 * 12 * 14 * voxel_ml, rel=1e-12)
    assert score.volume_test_ml == pytest.approx(10 * 12 * 14 * voxel_ml, rel=1e-12)
    assert score.volume_difference_percent == 0
    assert score.centroid_distance_mm == pytest.approx(3 * spacing[axis], rel=1e-12)
    # The far face of the shifted box is three voxels from the nearest face of the other.
    assert score.hausdorff_mm == pytest.approx(3 * spacing[axis], rel=1e-9)
    assert score.note == ""


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("spacing", SPACINGS_KJI)
def test_a_thicker_slab_is_told_to_the_voxel(surface, spacing):
    # Slabs through the whole image in j and i: their top faces lie 4 voxels apart, their bottom faces together. The
    # image's edge closes them at the sides; the shape is made wide so that the sides weigh little.
    reference = box_mask((16, 60, 60), (4, 0, 0), (8, 60, 60))
    test = box_mask((16, 60, 60), (4, 0, 0), (12, 60, 60))
    score = compared(reference, test, spacing, surface=surface, tolerance_mm=4 * spacing[0])
    assert score.hausdorff_mm == pytest.approx(4 * spacing[0], rel=1e-9)
    assert score.dice == pytest.approx(2 * 4 / (4 + 8), abs=1e-12)
    assert score.volume_difference_percent == pytest.approx(100.0, abs=1e-12)
    assert score.nsd == 1.0, "4 voxels apart is within a tolerance of 4 voxels"
    tighter = compared(reference, test, spacing, surface=surface, tolerance_mm=3.5 * spacing[0])
    assert 0.4 < tighter.nsd < 1.0
    assert "touches the image's edge" in score.note


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("spacing", SPACINGS_KJI)
def test_an_endless_slab_is_exact(surface, spacing):
    # A mask leaves the middle of the slabs and drops the faces that it cuts: two parallel planes each remain.
    reference = box_mask((16, 20, 20), (2, 0, 0), (8, 20, 20))
    test = box_mask((16, 20, 20), (2, 0, 0), (12, 20, 20))
    mask = labelmap(box_mask((16, 20, 20), (0, 5, 5), (16, 15, 15)), spacing)
    score = compared(reference, test, spacing, surface=surface, mask=mask)
    apart = 4 * spacing[0]
    assert score.distance_reference_to_test_mm == pytest.approx(apart / 2, rel=1e-12)
    assert score.distance_test_to_reference_mm == pytest.approx(apart / 2, rel=1e-12)
    assert [score.assd_mm, score.masd_mm] == pytest.approx([apart / 2] * 2, rel=1e-12)
    assert [score.hausdorff95_mm, score.hausdorff_mm] == pytest.approx([apart] * 2, rel=1e-12)
    assert score.nsd == pytest.approx(0.5 if apart > 2 else 1.0, rel=1e-12)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.5, 0.8, 0.8)])
def test_concentric_balls_are_as_far_apart_as_their_radii(surface, spacing):
    shape = tuple(int(60 / step) for step in spacing)
    small = ball_mask(shape, spacing, (30, 30, 30), 15)
    large = ball_mask(shape, spacing, (30, 30, 30), 20)
    score = compared(small, large, spacing, surface=surface)
    diagonal = np.linalg.norm(spacing)  # of a voxel: how finely a ball can be drawn
    # The nearest of the points of a stepped surface is nearer than the smooth surface would be.
    assert 5.0 - diagonal / 2 < score.assd_mm < 5.0
    assert score.hausdorff95_mm == pytest.approx(5.0, abs=diagonal / 2)
    assert score.hausdorff_mm == pytest.approx(5.0, abs=diagonal)
    assert score.volume_reference_ml == pytest.approx(4 / 3 * np.pi * 15**3 / 1000, rel=0.01)
    assert score.volume_difference_percent == pytest.approx(100 * ((20 / 15) ** 3 - 1), rel=0.02)
    assert score.centroid_distance_mm == pytest.approx(0, abs=1e-9)
    assert score.recall == 1.0


def test_the_surfels_of_a_large_ball_have_nearly_its_area():
    from BoneSegLib.evaluation.surfaces import extract_surface

    ball = ball_mask((72, 72, 72), (1, 1, 1), (36, 36, 36), 32)
    area = extract_surface(ball, np.eye(4), kind="surfel").weights.sum()
    # A binary surface is a staircase: finer voxels do not bring its area nearer to the ball's (docs/metrics.md).
    assert area / (4 * np.pi * 32**2) == pytest.approx(1.09, abs=0.01)


@pytest.mark.parametrize("surface", SURFACES)
def test_two_single_voxels_are_as_far_apart_as_their_centres(surface):
    reference = box_mask((9, 9, 9), (2, 2, 2), (3, 3, 3))
    test = box_mask((9, 9, 9), (4, 5, 7), (5, 6, 8))
    score = compared(reference, test, (2.0, 1.0, 0.5), surface=surface)
    apart = np.linalg.norm([2 * 2.0, 3 * 1.0, 5 * 0.5])
    assert score.dice == 0.0
    assert score.centroid_distance_mm == pytest.approx(apart, rel=1e-12)
    if surface == "voxel":
        assert score.hausdorff_mm == score.assd_mm == pytest.approx(apart, rel=1e-12)
    else:
        # The surfels sit half a voxel to all sides: the farthest of one has the same way to its like of the other ...
        assert score.hausdorff_mm == pytest.approx(apart, rel=1e-12)
        # ... and the mean takes the nearest of the eight: one voxel less along each axis, averaged over both corners.
        assert score.assd_mm < apart


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(
    "turn",
    [
        pytest.param(np.eye(3), id="straight"),
        pytest.param(rotation(20, (0, 0, 1)), id="about S"),
        pytest.param(rotation(37, (1, 2, 3)), id="oblique"),
        pytest.param(np.diag([-1.0, 1.0, 1.0]), id="left-handed"),
        pytest.param(np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]), id="permuted"),
    ],
)
def test_turning_the_patient_changes_no_number(surface, turn):
    from evaluation_shapes import blob_mask

    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag([0.7, 0.9, 2.5])
    matrix[:3, 3] = (-120, 35, 780)
    reference, test = blob_mask(1), blob_mask(2)
    turned = compared(reference, test, surface=surface, matrix=matrix)
    straight = compared(reference, test, (2.5, 0.9, 0.7), surface=surface)
    for name, value in straight.values().items():
        if isinstance(value, float):
            assert getattr(turned, name) == pytest.approx(value, rel=1e-9), name


def test_a_sheared_grid_is_measured_where_its_voxels_really_are():
    # k leans by half a millimetre of i per slice (a gantry tilt); two voxels apart in k are also 1 mm apart in i.
    matrix = np.array([[1.0, 0, 0.5, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    reference = box_mask((9, 9, 9), (2, 4, 4), (3, 5, 5))
    test = box_mask((9, 9, 9), (4, 4, 4), (5, 5, 5))
    score = compared(reference, test, matrix=matrix, surface="voxel")
    assert score.hausdorff_mm == pytest.approx(np.hypot(2, 1), rel=1e-12)
    assert score.centroid_distance_mm == pytest.approx(np.hypot(2, 1), rel=1e-12)


def test_identical_shapes_are_perfect():
    shape = ball_mask((20, 20, 20), (1, 1, 1), (10, 10, 10), 7)
    score = compared(shape, shape)
    assert (score.dice, score.jaccard, score.nsd, score.precision, score.recall) == (1, 1, 1, 1, 1)
    assert (score.hausdorff_mm, score.hausdorff95_mm, score.assd_mm, score.centroid_distance_mm) == (0, 0, 0, 0)
    assert score.note == ""
