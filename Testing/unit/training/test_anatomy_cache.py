"""Prepared maps are kept whole: what a killed run left half is made again."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.training.synthesis import anatomy_map
from BoneSegLib.training.synthesis.anatomy_map import cached


class Killed(BaseException):
    """As good as ``kill -9``, but for what ``finally`` does."""


@pytest.mark.parametrize("left", [b"", b"PK\x03\x04", "half", b"no archive at all"])
def test_a_prepared_map_that_is_broken_is_made_again(tmp_path, a_block_person, left):
    stored = tmp_path / "block.npz"
    cached("block", lambda: a_block_person, cache=tmp_path)
    whole = stored.read_bytes()
    stored.write_bytes(whole[: len(whole) // 2] if left == "half" else left)
    again = cached("block", lambda: a_block_person, cache=tmp_path)
    np.testing.assert_array_equal(again.labels, a_block_person.labels)
    kept = cached("block", pytest.fail, cache=tmp_path)
    np.testing.assert_array_equal(kept.depth, a_block_person.depth)


def test_a_run_that_is_killed_while_it_keeps_a_map_leaves_nothing_under_its_name(tmp_path, a_block_person, monkeypatch):
    def save_half(path, **_):
        path.write_bytes(b"PK\x03\x04")
        raise Killed

    monkeypatch.setattr(anatomy_map.np, "savez_compressed", save_half)
    with pytest.raises(Killed):
        cached("block", lambda: a_block_person, cache=tmp_path)
    assert not (tmp_path / "block.npz").exists()
