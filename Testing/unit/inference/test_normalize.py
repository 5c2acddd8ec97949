"""Intensities normalised as nnU-Net's own classes do it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from BoneSegLib.inference.normalize import make_normalizer
from BoneSegLib.models.plans import Intensity

INTENSITY = Intensity(mean=120.0, std=60.0, lower=-50.0, upper=400.0)


@pytest.fixture
def an_image():
    """An ellipsoid in a border of zeros, with a hole of zeros in its middle and some zeros strewn about."""
    rng = np.random.default_rng(0)
    k, j, i = np.meshgrid(*(np.linspace(-1, 1, size) for size in (14, 18, 20)), indexing="ij")
    image = np.where(k**2 + j**2 + i**2 < 0.9, rng.normal(200, 80, k.shape), 0.0)
    image[5:8, 7:10, 8:11] = 0.0
    image[rng.random(image.shape) < 0.02] = 0.0
    return image.astype(np.float32)


@pytest.mark.parametrize(
    ("scheme", "use_mask"),
    [
        ("CTNormalization", False),
        ("ZScoreNormalization", False),
        ("ZScoreNormalization", True),
        ("RescaleTo01Normalization", False),
        ("NoNormalization", False),
    ],
)
def test_the_numbers_are_those_of_nnunet(scheme, use_mask, an_image):
    schemes = pytest.importorskip("nnunetv2.preprocessing.normalization.default_normalization_schemes")
    properties = {"mean": 120.0, "std": 60.0, "percentile_00_5": -50.0, "percentile_99_5": 400.0}
    # As preprocessing hands it over: -1 outside of the image, which is what is not 0, and what that encloses.
    outside = np.where(ndimage.binary_fill_holes(an_image != 0), 0, -1)
    expected = getattr(schemes, scheme)(use_mask, properties).run(an_image.copy(), outside)
    normalizer = make_normalizer(scheme, an_image, intensity=INTENSITY, use_mask=use_mask)
    assert np.abs(normalizer(an_image).numpy() - expected).max() < 1e-4
    slabs = [normalizer.clip(an_image[start : start + 4], start) for start in range(0, len(an_image), 4)]
    assert np.abs(normalizer.finish(torch.cat(slabs)).numpy() - expected).max() < 1e-4
