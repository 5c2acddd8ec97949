"""Measured HU of a map's bones: kept where they were measured, sensible where they were not."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from BoneSegLib.errors import InputError
from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap, prepare_anatomy
from BoneSegLib.training.synthesis.real_bone import complete, load_bone_hu


@pytest.fixture(scope="module")
def a_bone() -> AnatomyMap:
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[8:22, 8:22, 8:22] = 77
    return prepare_anatomy("bone", labels, 1.5)


@pytest.fixture(scope="module")
def measured(a_bone) -> np.ndarray:
    """A shell of 700 HU; the inside was below 200 and is unknown."""
    return np.where((a_bone.depth > 0) & (a_bone.depth < 2.5), 700, 0).astype(np.int16)


def test_what_was_measured_stays_and_the_unknown_is_spongy(a_bone, measured):
    filled = complete(measured, a_bone)
    np.testing.assert_array_equal(filled[measured > 0], 700)
    inside = (a_bone.targets > 0) & (measured == 0)
    assert filled[inside].max() < 200
    assert filled[inside].mean() == pytest.approx(110, abs=30)


def test_the_rim_goes_on_a_little_beyond_the_bone(a_bone, measured):
    filled = complete(measured, a_bone)
    around = (a_bone.targets == 0) & (a_bone.depth > -3)
    np.testing.assert_array_equal(filled[around], 700)


def test_hu_on_another_grid_are_refused(a_bone, tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((5, 5, 5), np.int16)), str(tmp_path / "bone_hu_ge200.nrrd"))
    with pytest.raises(InputError, match=r"bone_hu_ge200\.nrrd"):
        load_bone_hu(tmp_path, a_bone)


def test_a_map_without_measured_hu_has_none(a_bone, tmp_path):
    assert load_bone_hu(tmp_path, a_bone) is None
