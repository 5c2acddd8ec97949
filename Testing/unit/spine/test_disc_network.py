"""The small network that sees discs: its weights on disk, and what it says of a straightened spine."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.errors import ModelError
from BoneSegLib.spine.axis import spine_axis
from BoneSegLib.spine.disc_network import DiscNetwork, disc_evidence, read_network, write_weights
from BoneSegLib.spine.picture import AHEAD_MM, ASIDE_MM, HU_RANGE, straightened
from Testing.support.phantom_spine import VERTEBRAE, disc_heights, spine

FINE = np.array((2.0, 2.0, 2.0))


def _axis(names):
    axis = spine_axis(np.isin(names, VERTEBRAE), tuple(FINE))
    assert axis is not None
    return axis


def test_a_straightened_spine_has_the_front_ahead_and_the_right_aside():
    _, names = spine(FINE)
    axis = _axis(names)
    ahead = straightened(axis, lambda places: -places[:, 1])  # j grows to the back
    aside = straightened(axis, lambda places: -places[:, 2])  # i grows to the left
    np.testing.assert_allclose(np.diff(ahead[20:-20], axis=1), 3.0, atol=0.05)
    np.testing.assert_allclose(np.diff(aside[20:-20], axis=2), 3.0, atol=0.05)
    assert ahead.shape[1:] == (len(AHEAD_MM), len(ASIDE_MM))


def test_neither_gas_nor_metal_counts_for_more_than_the_range():
    _, names = spine(FINE)
    seen = straightened(_axis(names), lambda places: np.where(places[:, 0] > 100, 3000.0, -1000.0))
    assert (seen.min(), seen.max()) == HU_RANGE


def test_the_bundled_network_sees_the_discs_of_a_phantom_and_nothing_in_its_bodies():
    from scipy import ndimage

    ct, names = spine(FINE)
    axis = _axis(names)
    picture = straightened(axis, lambda places: ndimage.map_coordinates(ct, (places / FINE).T, order=1))
    evidence = disc_evidence(picture)
    heights = axis.points[:, 0]
    for disc in disc_heights()[1:5]:
        assert evidence[np.abs(heights - disc) < 4].max() > 0.2
        assert evidence[np.abs(heights - disc - 17) < 5].max() < -0.4


@pytest.mark.parametrize("hu", [-100.0, 60.0, 300.0])
def test_where_nothing_is_seen_it_tells_no_place_from_another(hu):
    evidence = disc_evidence(np.full((150, len(AHEAD_MM), len(ASIDE_MM)), hu, np.float32))
    assert np.ptp(evidence[20:-20]) < 0.25


def test_weights_come_back_as_they_were_written_but_for_half_precision(tmp_path):
    torch.manual_seed(0)
    network = DiscNetwork()
    write_weights(network.state_dict(), tmp_path / "discs.npz")
    seen = torch.randn(1, 80, len(AHEAD_MM))
    with torch.inference_mode():
        np.testing.assert_allclose(read_network(tmp_path / "discs.npz")(seen), network(seen), atol=0.02)


@pytest.mark.parametrize("damage", ["missing", "cut short", "not its weights"])
def test_weights_that_cannot_be_read_are_told(tmp_path, damage):
    path = tmp_path / "discs.npz"
    if damage != "missing":
        write_weights(DiscNetwork().state_dict(), path)
    if damage == "cut short":
        path.write_bytes(path.read_bytes()[:500])
    elif damage == "not its weights":
        np.savez(path, near=np.zeros(3))
    with pytest.raises(ModelError, match="sees discs"):
        read_network(path)
