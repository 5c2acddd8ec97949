"""The disc at which each name begins: near where the name does, seen in the CT, and evenly spaced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DISTANCES_MM = np.arange(20.0, 62.0, 2.0)
"""From one lumbar disc to the next, in children and tall people too."""
_UNEVEN_MM, _MOST_UNEVEN_MM = 6.0, 16.0
_EVIDENCE_WEIGHT = 8.0
_SACRUM_MM, _SACRUM_WEIGHT = 6.0, 4.0
"""Spread of its border, and the weight of what is seen there: half of that elsewhere."""
_NEAREST_MM, _FARTHER_MM, _ALONE_MM = 6.0, 5.0, 10.0
"""Chosen, with the other numbers here, on 18 cases of the map that training leaves out."""
_DISC_COST = _EVIDENCE_WEIGHT / 2
"""Of each disc: else one name more would never cost anything. What is half seen is just worth it."""
_LEAST_MM = 2.0
"""A name is there if so much of the spine bears it. A vertebra at the end of the scan that is named on less than it
should be still says how many discs there are."""


def name_borders(shares: Floats) -> dict[int, int]:
    """Where one name gives way to the next: ``shares`` (n, names) of each name on the plates, names from below.

    Returns the position (mm) at which name ``number`` begins, for each that is seen together with the one before.
    """
    borders = {}
    for number in range(1, shares.shape[1]):
        if shares[:, number - 1].sum() < _LEAST_MM or shares[:, number].sum() < _LEAST_MM:
            continue
        wrong = np.cumsum(shares[:, number:].sum(1) - shares[:, :number].sum(1))
        borders[number] = int(np.flatnonzero(wrong == wrong.min()).mean())
    return borders


def find_discs(evidence: Floats, borders: dict[int, int]) -> dict[int, int]:
    """The disc at which each name begins: near its border, seen, and as far from the next as all are.

    The sacrum's end is believed most, since nothing else looks like a sacrum; the error of a name grows with the number
    of vertebrae that were counted. The topmost name may be one too many, where a vertebra is lower than most: it is
    left out if the discs that are seen agree better with the others alone.
    """
    numbers = sorted(borders)
    if len(numbers) < 2:
        return dict(borders)
    counts = (numbers, numbers[:-1]) if len(numbers) > 2 else (numbers,)
    found = [_best_discs(evidence, {number: borders[number] for number in counted}) for counted in counts]
    return min(found, key=lambda discs_and_cost: discs_and_cost[1])[0]


def _best_discs(evidence: Floats, borders: dict[int, int]) -> tuple[dict[int, int], float]:
    """A disc for each border, and what they cost. For every distance between discs the best positions are found exactly
    (Viterbi 1967), and the best distance is taken."""
    numbers = list(borders)
    places = np.arange(len(evidence), dtype=np.float64)
    # Between two borders lie as many discs as names, also where one in between was not seen.
    apart = np.diff(numbers)
    costs = [_own_cost(evidence, places, number, borders, counted=numbers[0] == 1) for number in numbers]
    usual = float(np.mean(np.diff([borders[number] for number in numbers]) / apart))
    between = places[:, None] - places[None, :]
    best, lowest = [borders[number] for number in numbers], np.inf
    for distance in _DISTANCES_MM:
        uneven = {count: between - count * distance for count in set(apart.tolist())}
        steps = {
            count: np.where(np.abs(off) < _MOST_UNEVEN_MM * count, (off / _UNEVEN_MM) ** 2 / 2 / count, np.inf)
            for count, off in uneven.items()
        }
        path, cost = _cheapest_path(costs, [steps[count] for count in apart.tolist()])
        if usual >= _DISTANCES_MM[0]:  # else names begin at one place or in the wrong order: they tell no distance
            cost += (np.log(distance / usual) / 0.25) ** 2 / 2
        if cost < lowest:
            best, lowest = path, cost
    return dict(zip(numbers, best, strict=True)), lowest + _DISC_COST * len(numbers)


def _own_cost(evidence: Floats, places: Floats, number: int, borders: dict[int, int], *, counted: bool) -> Floats:
    if not counted:
        spread, weight = _ALONE_MM, _EVIDENCE_WEIGHT
    elif number == 1:
        spread, weight = _SACRUM_MM, _SACRUM_WEIGHT
    else:
        spread, weight = _NEAREST_MM + _FARTHER_MM * (number - 1), _EVIDENCE_WEIGHT
    return ((places - borders[number]) / spread) ** 2 / 2 - weight * evidence


def _cheapest_path(costs: Sequence[Floats], steps: Sequence[Floats]) -> tuple[list[int], float]:
    """Places from the first cost to the last; ``steps`` (to, from): what going from one to the next costs."""
    total, origins = costs[0], []
    for own, step in zip(costs[1:], steps, strict=True):
        reached = step + total[None, :]
        origins.append(reached.argmin(1))
        total = reached.min(1) + own
    path = [int(total.argmin())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return path[::-1], float(total.min())
