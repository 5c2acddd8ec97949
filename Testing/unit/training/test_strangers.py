"""Heads, limbs and lone bones: none of the ten bones, much other bone, the same again from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap, prepare_anatomy
from BoneSegLib.training.synthesis.head import has_shoulders, head_and_neck
from BoneSegLib.training.synthesis.limbs import lone_bones, long_bones
from BoneSegLib.training.synthesis.strangers import stranger
from BoneSegLib.training.synthesis.tissue import OTHER_BONE, SKULL, TOOTH, VERTEBRA_C1


@pytest.fixture(scope="module")
def shoulders() -> AnatomyMap:
    """A thoracic spine up to C7 in a block of muscle, with humeri beside its top."""
    labels = np.zeros((170, 60, 90), np.uint8)
    labels[:, 5:55, 5:85] = 86
    for number in range(13):
        low = 5 + 12 * number
        labels[low : low + 9, 28:46, 35:55] = 32 + number
        labels[low : low + 9, 34:40, 42:48] = 79
    labels[140:165, 20:40, 8:16], labels[140:165, 20:40, 74:82] = 69, 70
    return prepare_anatomy("shoulders", labels, 3.0)


def _only_other_bone(made: AnatomyMap) -> bool:
    return set(np.unique(made.targets)) == {0, OTHER_BONE}


def test_a_head_sits_on_its_shoulders(shoulders):
    head = head_and_neck(shoulders, np.random.default_rng(0))
    assert _only_other_bone(head)
    for value in (SKULL, TOOTH, VERTEBRA_C1):
        assert (head.labels == value).any()
    skull, spine = (np.argwhere(head.labels == value)[:, 0].mean() for value in (SKULL, VERTEBRA_C1))
    assert skull > spine > np.argwhere(head.labels == 40)[:, 0].mean()


def test_a_map_without_shoulders_carries_no_head(a_block_person):
    cut = prepare_anatomy("cut", a_block_person.labels[:100], 1.5)
    assert not has_shoulders(cut)
    with pytest.raises(ValueError, match="ends below the shoulders"):
        head_and_neck(cut, np.random.default_rng(0))


def test_limbs_are_long_bones_in_flesh():
    limbs = long_bones(np.random.default_rng(1))
    assert _only_other_bone(limbs)
    assert (limbs.body[limbs.targets > 0] < 0).mean() > 0.95


def test_lone_bones_are_those_of_the_map_strewn(shoulders):
    lone = lone_bones(shoulders, np.random.default_rng(1), size=80)
    assert _only_other_bone(lone)


def test_a_stranger_is_the_same_from_the_same_seed_and_is_kept(shoulders, tmp_path):
    first = stranger([shoulders], seed=3, rng=np.random.default_rng(0), cache=None)
    again = stranger([shoulders], seed=3, rng=np.random.default_rng(0), cache=tmp_path)
    stored = stranger([shoulders], seed=3, rng=np.random.default_rng(0), cache=tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 1
    for other in (again, stored):
        np.testing.assert_array_equal(first.labels, other.labels)
        np.testing.assert_array_equal(first.depth, other.depth)


def test_without_any_map_to_build_on_there_are_limbs():
    made = stranger([], seed=3, rng=np.random.default_rng(0), cache=None)
    assert made.name == "limbs"
