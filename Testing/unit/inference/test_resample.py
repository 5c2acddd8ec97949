"""Resampling against scikit-image and scipy, whose operators nnU-Net uses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.inference.resample import AxisOrders, axis_matrix, axis_orders, resample_image, resampled_shape
from BoneSegLib.models.plans import Resampling

CUBIC = AxisOrders((3, 3, 3), None)


def resampled(array: np.ndarray, shape, axes: AxisOrders = CUBIC) -> np.ndarray:
    source = torch.from_numpy(array.astype(np.float32))
    return resample_image(lambda start, stop: source[start:stop], array.shape, shape, axes, slab=5).numpy()


@pytest.mark.parametrize("shape", [(7, 30, 23), (40, 9, 33), (13, 20, 17), (13, 21, 17)])
def test_the_result_is_that_of_scikit_image(shape):
    transform = pytest.importorskip("skimage.transform")
    rng = np.random.default_rng(0)
    array = rng.normal(0, 300, (13, 20, 17))
    expected = transform.resize(array, shape, order=3, mode="edge", anti_aliasing=False)
    assert np.abs(resampled(array, shape) - expected).max() < 1e-2


@pytest.mark.parametrize("across", [0, 1, 2])
@pytest.mark.parametrize("part", [None, (slice(2, 9), slice(1, 10), slice(3, 8))], ids=["all of it", "a part"])
def test_slices_that_are_resampled_apart_keep_the_range_of_each(across, part):
    transform = pytest.importorskip("skimage.transform")
    array = np.where(np.random.default_rng(0).random((12, 11, 13)) < 0.5, 0.0, 1000.0)
    scale = np.linspace(0.1, 1.0, array.shape[across])
    array *= scale.reshape([-1 if axis == across else 1 for axis in range(3)])  # every slice has a range of its own
    shape = tuple(5 if axis == across else 17 for axis in range(3))
    plane = tuple(size for axis, size in enumerate(shape) if axis != across)
    slices = [transform.resize(one, plane, order=3, mode="edge", anti_aliasing=False)
              for one in np.moveaxis(array, across, 0)]  # fmt: skip
    nearest = np.floor((np.arange(5) + 0.5) * len(slices) / 5).astype(int)
    expected = np.moveaxis(np.stack([slices[number] for number in nearest]), 0, across)
    axes = AxisOrders(tuple(0 if axis == across else 3 for axis in range(3)), across)
    chosen = tuple(slice(0, 5) if axis == across else one for axis, one in enumerate(part or [slice(None)] * 3))
    source = torch.from_numpy(array.astype(np.float32))
    found = resample_image(lambda start, stop: source[start:stop], array.shape, shape, axes, part=chosen, slab=5)
    assert np.abs(found.numpy() - expected[chosen]).max() < 0.05


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize(("size", "new_size"), [(9, 4), (9, 9), (9, 31), (1, 3), (5, 1)])
def test_a_constant_stays_constant(order, size, new_size):
    rows = axis_matrix(size, new_size, order).sum(dim=1)
    assert torch.allclose(rows, torch.ones(new_size), atol=1e-5)


def test_a_ramp_stays_a_ramp_away_from_the_border():
    ramp = np.arange(40.0)[:, None, None] * np.ones((1, 3, 3))
    fine = resampled(ramp, (80, 3, 3))[:, 1, 1]
    expected = (np.arange(80) + 0.5) / 2 - 0.5
    assert np.abs(fine[12:-12] - expected[12:-12]).max() < 1e-3


def test_the_result_stays_within_the_range_of_the_image():
    step = np.zeros((30, 4, 4))
    step[15:] = 1000.0
    result = resampled(step, (47, 4, 4))
    assert result.min() >= 0.0
    assert result.max() <= 1000.0


@pytest.mark.parametrize(
    ("spacing", "new_spacing", "across"),
    [
        ((1.0, 1.0, 1.0), (1.5, 1.5, 1.5), None),
        ((5.0, 1.0, 1.0), (1.5, 1.5, 1.5), 0),
        ((1.0, 1.0, 1.0), (1.0, 6.0, 1.0), 1),
        ((0.9, 4.5, 4.5), (1.5, 1.5, 1.5), None),
        ((2.9, 1.0, 1.0), (1.5, 1.5, 1.5), None),
    ],
)
def test_thick_slices_are_resampled_apart_as_nnunet_does(spacing, new_spacing, across):
    axes = axis_orders(Resampling(order=3, order_z=0, separate_z=None), spacing, new_spacing)
    assert axes.across == across
    assert axes.orders == tuple(0 if axis == across else 3 for axis in range(3))


def test_the_field_of_view_keeps_its_size():
    assert resampled_shape((100, 512, 512), (4.25, 0.98, 0.98), (6.0, 6.0, 6.0)) == (71, 84, 84)
    assert resampled_shape((2, 2, 2), (0.1, 0.1, 0.1), (6.0, 6.0, 6.0)) == (1, 1, 1)
