"""The mean probability of the winning class, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from BoneSegLib.inference.confidence import Probabilities
from BoneSegLib.inference.restore import LogitsBlock


def a_block(logits: torch.Tensor) -> LogitsBlock:
    return LogitsBlock(logits.to(torch.float16), (0, 0, 0), tuple(logits.shape[1:]))


def mean_probabilities(*blocks: LogitsBlock) -> tuple[float | None, ...]:
    probabilities = Probabilities(len(blocks[0].logits))
    assert list(probabilities.watch(blocks)) == list(blocks)
    return probabilities.means()


def test_the_mean_is_over_the_voxels_where_the_class_wins():
    logits = torch.zeros((3, 20, 6, 6))
    logits[0] = 5.0
    logits[0, 3:6], logits[1, 3:6] = 0.0, 4.0  # class 1 wins by 4 over two others
    logits[0, 9], logits[1, 9] = 0.0, 1.0  # and by 1 in a third as many voxels
    by_4, by_1 = math.exp(4) / (math.exp(4) + 2), math.e / (math.e + 2)
    background, one, two = mean_probabilities(a_block(logits))
    assert background is None
    assert one == pytest.approx((3 * by_4 + by_1) / 4, abs=1e-6)
    assert two is None


def test_planes_that_two_blocks_share_count_once():
    logits = torch.randn((3, 9, 5, 5), generator=torch.Generator().manual_seed(0))
    first = LogitsBlock(logits[:, :4], (0, 0, 0), (9, 5, 5))
    second = LogitsBlock(logits[:, 3:], (3, 0, 0), (9, 5, 5), repeated=1)
    whole = LogitsBlock(logits, (0, 0, 0), (9, 5, 5))
    assert mean_probabilities(first, second)[1:] == pytest.approx(mean_probabilities(whole)[1:])


def test_an_empty_block_has_no_confidence():
    assert mean_probabilities(a_block(torch.zeros((3, 0, 0, 0)))) == (None, None, None)
