"""Prepared maps are kept whole: what a killed run left half, or what was another map, is made again."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from BoneSegLib.training.synthesis import anatomy_map
from BoneSegLib.training.synthesis.anatomy_map import cached, load_anatomy_map
from BoneSegLib.training.synthesis.strangers import stranger


class Killed(BaseException):
    """As good as ``kill -9``, but for what ``finally`` does."""


@pytest.mark.parametrize("left", [b"", b"PK\x03\x04", "half", b"no archive at all"])
def test_a_prepared_map_that_is_broken_is_made_again(tmp_path, a_block_person, left):
    stored = tmp_path / "block.npz"
    cached("block", lambda: a_block_person, cache=tmp_path, origin="a")
    whole = stored.read_bytes()
    stored.write_bytes(whole[: len(whole) // 2] if left == "half" else left)
    again = cached("block", lambda: a_block_person, cache=tmp_path, origin="a")
    np.testing.assert_array_equal(again.labels, a_block_person.labels)
    kept = cached("block", pytest.fail, cache=tmp_path, origin="a")
    np.testing.assert_array_equal(kept.depth, a_block_person.depth)


def test_a_run_that_is_killed_while_it_keeps_a_map_leaves_nothing_under_its_name(tmp_path, a_block_person, monkeypatch):
    def save_half(path, **_):
        path.write_bytes(b"PK\x03\x04")
        raise Killed

    monkeypatch.setattr(anatomy_map.np, "savez_compressed", save_half)
    with pytest.raises(Killed):
        cached("block", lambda: a_block_person, cache=tmp_path, origin="a")
    assert not (tmp_path / "block.npz").exists()


def test_another_map_of_the_same_name_is_prepared_anew(tmp_path):
    path, voxels = tmp_path / "a.nii.gz", np.full((8, 8, 8), 77, np.uint8)
    for value in (77, 78):
        voxels[:] = value
        sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path))
        assert load_anatomy_map(path, cache=tmp_path / "anatomy").labels.max() == value


def test_strangers_of_another_seed_are_made_anew(tmp_path):
    made = [stranger([], seed=seed, rng=np.random.default_rng(0), cache=tmp_path) for seed in (1, 2)]
    assert made[0].labels.shape != made[1].labels.shape or (made[0].labels != made[1].labels).any()
