"""What a name becomes at each mm of the spine, where the network's count of vertebrae was not right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_WITHIN_MM = 8.0
"""Processes hang below a vertebra's discs and joints stand above them: what bears its name counts as so far within."""
_HANGS_MM = 15.0
"""Behind the bodies a vertebra reaches so far below its lower disc: there the next one comes into view first."""

Names = NDArray[np.intp]


def renaming_of(levels: Names, borders: Mapping[int, float], *, is_seen: NDArray[np.bool_]) -> Names:
    """(names, n): the new name of what bears a name and lies at a mm of the axis, where names begin at ``borders``.

    ``levels`` (n,): the name that each mm should bear. Of a vertebra's name it is what the axis bears within its
    borders; the sacrum and what lies above are much larger than what is seen of them there, and change only between
    their borders.
    """
    count, places = len(is_seen), np.arange(len(levels), dtype=np.float64)
    renaming = np.repeat(np.arange(count)[:, None], len(levels), axis=1)
    for name in range(count):
        low = max((place for number, place in borders.items() if number <= name), default=0.0)
        high = min((place for number, place in borders.items() if number > name), default=places[-1])
        if not is_seen[name] or low >= high:
            continue
        if 0 < name < 6:
            within = min(_WITHIN_MM, (high - low) / 3)
            renaming[name] = levels[np.rint(np.clip(places, low + within, high - within)).astype(np.intp)]
        else:
            inside = (places >= low) & (places < high)
            renaming[name, inside] = levels[inside]
    return renaming


def renaming_behind(renaming: Names, levels: Names, discs: Sequence[int]) -> Names:
    """The same for what lies behind the bodies: of a vertebra whose body is not in view, its arch may be.

    It is there if the network had one name more than there are ``discs``, and near where the next disc must be.
    """
    renaming, highest = renaming.copy(), int(levels[-1])
    if len(discs) >= 2 and highest + 1 < len(renaming):
        next_disc = discs[-1] + float(np.median(np.diff(discs)))
        renaming[highest + 1 :, int(next_disc - _HANGS_MM) :] = highest + 1
    return renaming
