"""The mean probability of the winning class, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from BoneSegLib.inference.confidence import Probabilities, combine
from BoneSegLib.inference.restore import LogitsBlock


def a_block(logits: torch.Tensor) -> LogitsBlock:
    return LogitsBlock(logits.to(torch.float16), (0, 0, 0), tuple(logits.shape[1:]))


def mean_probabilities(*blocks: LogitsBlock, spine: tuple[int, ...] = ()) -> tuple[float | None, ...]:
    probabilities = Probabilities(len(blocks[0].logits), spine)
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


def test_doubt_between_neighbours_does_not_count_where_discs_settle_the_names():
    """Logits of background, hip, sacrum and two vertebrae; in each half one vertebra wins by a little."""
    logits = torch.tensor([0.0, 0.0, 1.0, 3.0, 2.5]).reshape(5, 1, 1, 1).repeat(1, 4, 6, 6)
    logits[3:, 2:] = logits[3:, 2:].flip(0)
    odds = [math.exp(value) for value in (0.0, 0.0, 1.0, 3.0, 2.5)]
    alone, together = odds[3] / sum(odds), sum(odds[2:]) / sum(odds)
    assert mean_probabilities(a_block(logits))[3:] == pytest.approx((alone, alone), abs=1e-3)
    assert mean_probabilities(a_block(logits), spine=(2, 3, 4))[3:] == pytest.approx((together, together), abs=1e-3)


def test_what_is_no_vertebra_counts_by_its_own_name_even_where_discs_settle_names():
    logits = torch.zeros((4, 2, 3, 3))
    logits[1, 0], logits[2, 1] = 1.0, 1.0  # a hip, and the sacrum at the lower end of the spine
    alone = math.e / (math.e + 3)
    found = mean_probabilities(a_block(logits), spine=(2, 3))
    assert found == (None, pytest.approx(alone, abs=1e-3), pytest.approx(alone, abs=1e-3), None)


def test_planes_that_two_blocks_share_count_once():
    logits = torch.randn((3, 9, 5, 5), generator=torch.Generator().manual_seed(0))
    first = LogitsBlock(logits[:, :4], (0, 0, 0), (9, 5, 5))
    second = LogitsBlock(logits[:, 3:], (3, 0, 0), (9, 5, 5), repeated=1)
    whole = LogitsBlock(logits, (0, 0, 0), (9, 5, 5))
    assert mean_probabilities(first, second)[1:] == pytest.approx(mean_probabilities(whole)[1:])


def test_an_empty_block_has_no_confidence():
    assert mean_probabilities(a_block(torch.zeros((3, 0, 0, 0)))) == (None, None, None)


def test_a_bone_is_as_sure_as_the_network_that_named_it():
    coarse, fine = (0.99, 0.6, 0.9, None), (0.99, 0.8, None, 0.7)
    labels = {"sacrum": 1, "hip_left": 2, "hip_right": 3}
    assert combine([coarse, fine], labels) == {"sacrum": 0.6, "hip_right": 0.7}
