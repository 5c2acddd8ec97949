"""Which vertebra each mm of a spine belongs to, by all that is known of it at once.

A network that sees little of a spine miscounts: it names one vertebra twice, or leaves one out, or is one ahead from
somewhere on. What is right has a disc wherever a name begins, vertebrae about as high as each other, and mostly the
names that the network gave. The chain of names that agrees with all of this at the least cost is found exactly, by
dynamic programming over the places where names begin (Viterbi 1967, with the lengths of a semi-Markov chain).

The numbers were chosen on plates of synthetic cases of the map that training leaves out and of cut-outs of two real
scans (docs/accuracy.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.spine.axis import Floats

_DISTANCES_MM = range(20, 62, 2)
"""From one lumbar disc to the next, in children and tall people too."""
_UNEVEN_MM, _MOST_UNEVEN_MM = 4.0, 16
_DISC_WEIGHT, _SACRUM_WEIGHT = 8.0, 4.0
"""Of what is seen where a name begins; half of it where the sacrum ends, which is seen less often."""
_COST_OF_DISC = 0.2
"""What looks a little more like a disc than not is just worth it: else one name more would never cost anything."""
_NAME_WEIGHT = 0.2
"""Of a mm of bone. Its neighbours say nearly the same, so it counts for less than one."""
_MISNAMED = (0.05, 0.1, 0.15, 0.2, 0.2, 0.2, 0.1)
"""How often the network is one off to either side, from the sacrum up: it errs more the more vertebrae it counted."""
_FALSE_SACRUM = 0.003
"""How often it calls a vertebra sacrum: nothing looks like one."""
_UNNAMED = 0.03
"""A share that no other name is denied."""
_LEAST_SHARE = 0.1
"""Of a plate: where less of it bears a name, the spine ends."""


def find_levels(shares: Floats, evidence: Floats) -> NDArray[np.intp]:
    """The name at each mm: (n,) numbers of the columns of ``shares``, never falling.

    ``shares`` (n, names): how much of the plate at each mm bears each name, the sacrum first, then vertebrae from
    below, and last, where there is a seventh, whatever lies above them. ``evidence`` (n,): how much each mm looks like
    the middle of a disc, -1 to 1.
    """
    names = shares.shape[1]
    spine = np.flatnonzero(shares.sum(1) >= _LEAST_SHARE)
    first, stop = (int(spine[0]), int(spine[-1]) + 1) if len(spine) else (0, len(shares))
    weights = np.array([0.0, _SACRUM_WEIGHT, *[_DISC_WEIGHT] * (names - 2)])
    discs = weights[:, None] * (_COST_OF_DISC - evidence[None, first:stop])
    misfits = _misfits(shares[first:stop])
    chains = (_cheapest_chain(distance, misfits, discs) for distance in _DISTANCES_MM)
    _, begins = min(chains, key=lambda cost_and_begins: cost_and_begins[0])
    levels = np.full(len(shares), min(begins), dtype=np.intp)
    for name in sorted(begins)[1:]:
        levels[first + begins[name] :] = name
    return levels


def _misfits(shares: Floats) -> Floats:
    """(n + 1, names): what it costs to give a name to all that lies below each mm."""
    names = shares.shape[1]
    bone = shares.sum(1, keepdims=True)
    seen = shares / np.maximum(bone, 1e-9)
    likely = np.where(bone > 0, seen @ _confusion(names), 1.0)
    cost = -_NAME_WEIGHT * bone * np.log(likely)
    return np.concatenate([np.zeros((1, names)), np.cumsum(cost, axis=0)])


def _confusion(names: int) -> Floats:
    """(seen, true): how likely the network says one name where another is right."""
    off = np.array(_MISNAMED[:names])
    likely = np.diag(1 - 2 * off) + np.diag(off[1:], 1) + np.diag(off[:-1], -1)
    likely[0, 0] += off[0]
    likely[-1, -1] += off[-1]
    likely = (likely + _UNNAMED) / (1 + _UNNAMED * names)
    likely[0, 1:] = _FALSE_SACRUM
    return likely


def _cheapest_chain(distance: int, misfits: Floats, discs: Floats) -> tuple[float, dict[int, int]]:
    """Cost and names, each with the mm at which it begins, where discs are ``distance`` mm apart.

    The lowest name begins at 0. ``discs`` (names, n): what it costs to begin a name there.
    """
    names, n = discs.shape
    places = np.arange(n)
    lengths = np.arange(max(1, distance - _MOST_UNEVEN_MM + 1), distance + _MOST_UNEVEN_MM)
    uneven = ((lengths - distance) / _UNEVEN_MM) ** 2 / 2
    cut_off = _cost_of_cut_off(np.arange(n + 1), distance, names)
    begins = np.full((names, n), np.inf)
    # Where the name below begins, or -1 where the scan's lower end cuts that one.
    origins = np.full((names, n), -1)
    for name in range(1, names):
        below = name - 1
        costs = misfits[:n, below] + cut_off[below, :n]
        if below > 0:
            so_far = np.concatenate([np.full(lengths[-1], np.inf), begins[below] - misfits[:n, below]])
            whole = np.lib.stride_tricks.sliding_window_view(so_far, len(lengths))[:n] + uneven[::-1]
            chosen = whole.argmin(1)
            from_disc = whole[places, chosen] + misfits[:n, below]
            origins[name] = np.where(from_disc < costs, places - lengths[-1] + chosen, -1)
            costs = np.minimum(costs, from_disc)
        begins[name] = costs + discs[name]
    alone = misfits[n] + cut_off[:, n]
    ended = begins + misfits[n][:, None] - misfits[:n].T + cut_off[:, n - places]
    if alone.min() <= ended.min():
        return float(alone.min()), {int(alone.argmin()): 0}
    top, place = divmod(int(ended.argmin()), n)
    return float(ended.min()), _traced(origins, top, place)


def _cost_of_cut_off(lengths: NDArray[np.intp], distance: int, names: int) -> Floats:
    """(names, lengths): of a name that the scan cuts. A vertebra may then be as low as it likes, but no higher."""
    too_long = np.maximum(lengths - distance, 0)
    of_vertebra = np.where(too_long < _MOST_UNEVEN_MM, (too_long / _UNEVEN_MM) ** 2 / 2, np.inf)
    costs = np.tile(of_vertebra, (names, 1))
    costs[[0, *range(6, names)]] = 0.0
    return costs


def _traced(origins: NDArray[np.intp], name: int, place: int) -> dict[int, int]:
    begins = {}
    while place >= 0:
        begins[name] = place
        place, name = int(origins[name, place]), name - 1
    begins[name] = 0
    return begins
