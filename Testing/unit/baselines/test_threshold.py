"""Bone by brightness."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.baselines.region_growing import grow_region
from BoneSegLib.baselines.threshold import large_parts, otsu_threshold, threshold_bone
from BoneSegLib.errors import InputError, UsageError
from BoneSegLib.volume import Geometry, Volume


def a_volume(spacing=(1.0, 1.0, 1.0)):
    """Soft tissue with two separate bones (216 and 8 voxels) and an implant."""
    array = np.full((20, 20, 20), 40, dtype=np.int16)
    array[2:8, 2:8, 2:8] = 600
    array[12:14, 12:14, 12:14] = 600
    array[16:18, 2:12, 2:12] = 3000
    return Volume(array, Geometry.from_spacing((20, 20, 20), spacing))


def test_a_fixed_threshold_keeps_parts_that_are_large_enough():
    result = threshold_bone(a_volume(), lower=200, upper=2000, minimum_ml=0.1)
    assert result.mask.sum() == 216 and result.lower == 200 and result.seconds >= 0


@pytest.mark.parametrize(("spacing", "kept"), [((1, 1, 1), 216), ((3, 3, 3), 216 + 8)])
def test_the_smallest_part_is_told_in_millilitres(spacing, kept):
    assert threshold_bone(a_volume(spacing), lower=200, upper=2000, minimum_ml=0.2).mask.sum() == kept


def test_otsu_parts_two_peaks_in_the_middle():
    array = np.where(np.arange(1000) % 3 == 0, 600, 40).reshape(10, 10, 10)
    assert 40 < otsu_threshold(array) <= 600
    assert otsu_threshold(array) == pytest.approx(320, abs=1)


def test_otsu_agrees_with_simpleitk():
    sitk = pytest.importorskip("SimpleITK")
    rng = np.random.default_rng(0)
    array = np.concatenate([rng.normal(50, 40, 30000), rng.normal(500, 150, 10000)]).round().clip(-150, 1500)
    array = array.astype(np.int16).reshape(20, 40, 50)
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.SetNumberOfHistogramBins(int(np.ptp(array)) + 1)
    otsu.Execute(sitk.GetImageFromArray(array))
    # A bin holds values up to its middle there and from its start here.
    assert otsu_threshold(array) == pytest.approx(otsu.GetThreshold(), abs=1.5)


def test_air_and_metal_do_not_move_otsus_threshold():
    array = np.where(np.arange(1000) % 3 == 0, 600, 40).reshape(10, 10, 10)
    spoiled = np.concatenate([array, np.full((5, 10, 10), -1000), np.full((2, 10, 10), 3071)])
    assert otsu_threshold(spoiled) == otsu_threshold(array)


@pytest.mark.parametrize("value", [40, -1000])
def test_one_value_has_no_threshold(value):
    with pytest.raises(InputError):
        otsu_threshold(np.full((3, 3, 3), value))


def test_nothing_has_no_parts():
    assert not large_parts(np.zeros((3, 3, 3), dtype=bool), 1).any()


def test_a_region_grows_over_what_hangs_together_with_the_point():
    result = grow_region(a_volume(), [(4.0, 4.0, 4.0)], lower=200, upper=2000)
    assert result.mask.sum() == 216


def test_points_are_in_patient_space():
    volume = a_volume()
    moved = Volume(volume.array, Geometry.from_spacing((20, 20, 20), (1, 1, 1), origin=(100, -50, 30)))
    assert grow_region(moved, [(112.4, -37.6, 42.0)], lower=200, upper=2000).mask.sum() == 8


@pytest.mark.parametrize("points", [[], [(-5.0, 0.0, 0.0)], [(10.0, 10.0, 10.0)]])
def test_a_point_that_grows_nothing_is_refused(points):
    with pytest.raises(UsageError):
        grow_region(a_volume(), points, lower=200, upper=2000)
