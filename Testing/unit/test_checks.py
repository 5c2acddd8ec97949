"""What is said about an image before a run."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.checks import check_volume, describe, examine
from BoneSegLib.errors import InputError, NeedsConfirmation
from BoneSegLib.volume import Geometry, Volume


def image_of(array: np.ndarray, spacing=(1.0, 1.0, 1.0)) -> Volume:
    return Volume(array, Geometry.from_spacing(array.shape[::-1], spacing))


def a_ct(shape=(90, 100, 110), dtype=np.int16) -> np.ndarray:
    rng = np.random.default_rng(0)
    array = rng.normal(40, 20, shape)
    array[:, :20] = -1000
    array[20:40, 40:60, 40:60] = 800
    return array.astype(dtype)


def test_a_plain_ct_has_nothing_against_it():
    assert examine(image_of(a_ct())) == ()


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((1, 50, 50), np.int16), "two-dimensional"),
        (np.full((20, 20, 20), 7, np.int16), "blank"),
        (np.where(np.arange(8000).reshape(20, 20, 20) == 5, np.nan, 1.0), "not numbers"),
        (np.where(np.arange(8000).reshape(20, 20, 20) == 5, np.inf, 1.0), "not numbers"),
        (np.zeros((20, 20, 20), bool), "not numbers"),
    ],
)
def test_an_unusable_image_is_an_error_even_when_forced(array, said):
    with pytest.raises(InputError, match=said):
        check_volume(image_of(array), force=True)


@pytest.mark.parametrize("spacing", [(0.001, 1.0, 1.0), (1.0, 1.0, 50.0)])
def test_an_absurd_spacing_is_an_error(spacing):
    with pytest.raises(InputError, match="spacing"):
        check_volume(image_of(a_ct(), spacing), force=True)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.random.default_rng(0).integers(0, 11, (60, 60, 60)).astype(np.uint8), "label map"),
        (np.random.default_rng(0).integers(0, 900, (60, 60, 60)).astype(np.int16), "MR"),
        (np.clip(a_ct() + 1024, 0, None).astype(np.uint16), "1024 too high"),
        (np.random.default_rng(0).integers(-100, 100, (90, 90, 90)).astype(np.int16), "No bone"),
    ],
)
def test_what_does_not_look_like_a_ct_needs_an_answer(array, said):
    with pytest.raises(NeedsConfirmation, match=said) as raised:
        check_volume(image_of(array))
    assert "--force" in raised.value.remedy
    assert any(said in note for note in check_volume(image_of(array), force=True))


def test_a_model_for_other_images_does_not_ask_for_hounsfield_units():
    array = np.random.default_rng(0).integers(0, 900, (90, 90, 90)).astype(np.int16)
    assert check_volume(image_of(array), expects_ct=False) == ()


@pytest.mark.parametrize(
    ("shape", "spacing", "said"),
    [((90, 100, 110), (1.0, 1.0, 7.0), "Thick slices"), ((30, 100, 110), (1.0, 1.0, 1.0), "Small field of view")],
)
def test_doubtful_geometry_is_a_note(shape, spacing, said):
    (note,) = check_volume(image_of(a_ct(shape), spacing))
    assert said in note


def test_the_description_tells_size_spacing_field_and_range():
    assert describe(image_of(a_ct(), (1.0, 1.0, 2.0))).startswith(
        "110 x 100 x 90 voxels, 1.00 x 1.00 x 2.00 mm, field of view 110 x 100 x 180 mm, values -1000 to"
    )
