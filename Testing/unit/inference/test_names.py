"""Names on another grid are those with the largest share of the voxels around."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.inference.names import resample_names
from BoneSegLib.inference.resample import axis_matrix


def regions(shape, *, names: int = 5, seed: int = 0) -> np.ndarray:
    """Every name fills some regions of a few voxels' width."""
    votes = torch.randn((1, names, 5, 5, 5), generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(votes, size=shape, mode="trilinear")[0].argmax(0).numpy().astype(np.uint8)


def shares_of(names: np.ndarray, shape, orders) -> np.ndarray:
    """Every name as an image of its own, all of them interpolated: (names, *shape)."""
    matrices = [axis_matrix(old, new, order) for old, new, order in zip(names.shape, shape, orders, strict=True)]
    alone = torch.from_numpy(np.stack([names == value for value in range(names.max() + 1)])).float()
    return torch.einsum("ckji,Kk,Jj,Ii->cKJI", alone, *matrices).numpy()


@pytest.mark.parametrize("shape", [(31, 40, 23), (11, 10, 20), (20, 17, 14), (7, 41, 14)])
def test_the_name_with_the_largest_share_wins(shape):
    names = regions((20, 17, 14))
    new_spacing = tuple(2.0 * old / new for old, new in zip(names.shape, shape, strict=True))
    found = resample_names(names, shape, (2.0, 2.0, 2.0), new_spacing)
    assert len(np.unique(found)) == 5, "all names should occur, or the comparison says little"
    apart = shape[0] == 7  # slices of 5.7 mm against pixels of 0.8 mm
    shares = shares_of(names, shape, (0 if apart else 1, 1, 1))
    won = np.take_along_axis(shares, found[None].astype(np.int64), axis=0)[0]
    assert np.allclose(won, shares.max(axis=0), atol=1e-5)


def test_of_equal_shares_the_nearest_name_wins():
    names = np.array([1, 3, 3, 1, 2, 2], dtype=np.uint8)[:, None, None]
    found = resample_names(names, (2, 1, 1), (1.0, 1.0, 1.0), (3.0, 1.0, 1.0))
    assert found.ravel().tolist() == [3, 2]
    halves = resample_names(
        np.array([4, 1], dtype=np.uint8)[:, None, None], (1, 1, 1), (1.0, 2.0, 2.0), (2.0, 2.0, 2.0)
    )
    assert halves.ravel().tolist() == [1], "half way up the next voxel is the nearest, as in scipy"


def test_nothing_changes_on_the_same_grid():
    names = regions((12, 9, 10))
    assert np.array_equal(resample_names(names, (12, 9, 10), (1.0, 2.0, 1.0), (1.0, 2.0, 1.0)), names)
