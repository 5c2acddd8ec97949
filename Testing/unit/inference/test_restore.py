"""Deciding labels block by block gives what interpolating all logits gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.inference.resample import AxisOrders, axis_matrix
from BoneSegLib.inference.restore import LogitsBlock, decide_labels

LINEAR = AxisOrders((1, 1, 1), None)


def labels_of(blocks: list[LogitsBlock], shape, axes: AxisOrders) -> np.ndarray:
    labels = np.zeros(shape, dtype=np.uint8)
    decide_labels(blocks, labels, axes)
    return labels


def smooth_logits(shape, heads: int = 4, seed: int = 0) -> torch.Tensor:
    coarse = torch.randn((1, heads, 4, 4, 4), generator=torch.Generator().manual_seed(seed))
    fine = torch.nn.functional.interpolate(coarse, size=shape, mode="trilinear")[0]
    return (fine * 5).to(torch.float16)


def interpolated_labels(logits: torch.Tensor, shape, orders) -> np.ndarray:
    matrices = [axis_matrix(old, new, order) for old, new, order in zip(logits.shape[1:], shape, orders, strict=True)]
    full = torch.einsum("ckji,Kk,Jj,Ii->cKJI", logits.float(), *matrices)
    return full.argmax(0).numpy().astype(np.uint8)


@pytest.mark.parametrize("orders", [(1, 1, 1), (0, 1, 1)])
@pytest.mark.parametrize("shape", [(31, 40, 23), (9, 8, 30), (20, 17, 14), (20, 17, 15)])
def test_the_labels_are_those_of_interpolating_everything(shape, orders):
    logits = smooth_logits((20, 17, 14))
    labels = labels_of([LogitsBlock(logits, (0, 0, 0), (20, 17, 14))], shape, AxisOrders(orders, None))
    expected = interpolated_labels(logits, shape, orders)
    assert len(np.unique(expected)) == 4, "all classes should occur, or the comparison says little"
    assert (labels != expected).mean() < 1e-4


def test_outside_of_the_block_is_background():
    logits = torch.zeros((2, 4, 5, 6), dtype=torch.float16)
    logits[1] = 1.0
    labels = labels_of([LogitsBlock(logits, (3, 2, 1), (10, 10, 10))], (10, 10, 10), LINEAR)
    assert labels.sum() == 4 * 5 * 6
    assert labels[3:7, 2:7, 1:7].all()


def test_a_block_lands_where_it_belongs_on_a_finer_grid():
    logits = torch.zeros((2, 4, 4, 4), dtype=torch.float16)
    logits[1] = 1.0
    labels = labels_of([LogitsBlock(logits, (2, 2, 2), (10, 10, 10))], (30, 30, 30), LINEAR)
    found = np.argwhere(labels)
    center = (found.min(axis=0) + found.max(axis=0)) / 2
    assert np.allclose(center, (4 + 0.0) * 3 - 0.5, atol=0.51)


def test_an_empty_block_gives_background_everywhere():
    empty = LogitsBlock(torch.zeros((3, 0, 0, 0), dtype=torch.float16), (0, 0, 0), (8, 8, 8))
    assert not labels_of([empty], (8, 8, 8), LINEAR).any()
    assert not labels_of([empty], (20, 20, 20), LINEAR).any()


@pytest.mark.parametrize("orders", [(1, 1, 1), (0, 1, 1)])
@pytest.mark.parametrize("shape", [(47, 40, 23), (12, 8, 30), (20, 17, 14)])
@pytest.mark.parametrize("cut", [1, 7, 19])
def test_block_after_block_gives_what_one_block_gives(cut, shape, orders):
    logits = smooth_logits((20, 17, 14), seed=2)
    axes, grid = AxisOrders(orders, None), (20, 17, 14)
    first = LogitsBlock(logits[:, :cut], (0, 0, 0), grid)
    second = LogitsBlock(logits[:, cut - 1 :], (cut - 1, 0, 0), grid, repeated=1)
    whole = labels_of([LogitsBlock(logits, (0, 0, 0), grid)], shape, axes)
    assert np.array_equal(labels_of([first, second], shape, axes), whole)


@pytest.mark.parametrize("orders", [(1, 1, 1), (0, 1, 1), (1, 1, 0)])
@pytest.mark.parametrize("shape", [(47, 40, 23), (9, 50, 61)])
@pytest.mark.parametrize("corner", [(0, 0, 0), (6, 3, 5), (16, 13, 10)])
def test_something_small_in_much_background_is_not_cut(corner, shape, orders):
    logits = smooth_logits((20, 17, 14), heads=2, seed=3)
    logits[1] -= 100.0
    small = tuple(slice(at, at + 4) for at in corner)
    logits[(1, *small)] = logits[(0, *small)] + 5
    labels = labels_of([LogitsBlock(logits, (0, 0, 0), (20, 17, 14))], shape, AxisOrders(orders, None))
    expected = interpolated_labels(logits, shape, orders)
    assert expected.any()
    assert np.array_equal(labels, expected)
