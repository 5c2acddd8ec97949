"""Names of vertebrae moved along the spine until they begin and end at discs, and counted anew where they miscount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.boxes import Box, box_around
from BoneSegLib.spine.axis import SpineAxis, spine_axis
from BoneSegLib.spine.borders import LEAST_MM, Spacing, name_borders, read_nearest, shares_along
from BoneSegLib.spine.levels import find_levels
from BoneSegLib.spine.picture import ReadHU, straightened
from BoneSegLib.spine.renaming import Names, renaming_behind, renaming_of
from BoneSegLib.spine.shift import Shift

_REACH_MM = 25.0
"""Names near the spine may be wrong as well."""
_BEHIND_MM = 20.0
"""So far behind the axis bodies end."""
_AT_ONCE = 400_000
"""Voxels moved at once: memory does not grow with the spine."""

Labels = NDArray[np.uint8]


def names_at_discs(names: Labels, chain: Sequence[int], read_hu: ReadHU, *, spacing: Spacing) -> Labels:
    """``names`` (uint8 kji, k to the head) with the labels of ``chain`` moved so that they meet at discs.

    ``chain``: labels from below: sacrum, L5 ... L1, and what follows above if that has a label. Which voxels bear one
    of these labels does not change, only which. Returns ``names`` itself where too little of a spine is in view.
    """
    vertebrae = _either(names, chain[1:6])
    axis = spine_axis(vertebrae, spacing)
    near = box_around(vertebrae, _REACH_MM, spacing)
    if axis is None or near is None:
        return names
    from BoneSegLib.spine.disc_network import disc_evidence

    shares = shares_along(axis, names, chain, spacing)
    levels = find_levels(shares, disc_evidence(straightened(axis, read_hu)))
    discs = {int(levels[place]): int(place) for place in np.flatnonzero(np.diff(levels)) + 1}
    borders = name_borders(shares)
    if discs == borders:
        return names
    shift = Shift.between(list(borders.values()), list(discs.values()))
    moved = {number: shift.forward(place) for number, place in borders.items()}
    of_bodies = renaming_of(levels, moved, is_seen=shares.sum(0) >= LEAST_MM)
    renaming = np.stack([of_bodies, renaming_behind(of_bodies, levels, sorted(discs.values()))])
    return _corrected(names, chain, _Correction(axis, shift, renaming), near=near, spacing=spacing)


@dataclass(frozen=True, eq=False)
class _Correction:
    """``renaming`` (2, names, n): of the bodies, and of what lies behind them, once it is shifted along the axis."""

    axis: SpineAxis
    shift: Shift
    renaming: Names


def _corrected(names: Labels, chain: Sequence[int], correction: _Correction, *, near: Box, spacing: Spacing) -> Labels:
    """A copy of ``names`` with the labels of ``chain`` shifted and renamed in the box ``near``."""
    from scipy import ndimage

    old = names[near]
    bone = _either(old, chain)
    places = (np.argwhere(bone) + [part.start for part in near]) * np.array(spacing)
    axis = correction.axis
    back = correction.shift.back(axis.positions)
    position, is_behind = np.empty(len(places)), np.empty(len(places), dtype=np.intp)
    read = np.empty(len(places), dtype=np.uint8)
    for start in range(0, len(places), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        position[some] = axis.position_of(places[some])
        from_axis = places[some] - axis.at(axis.points, position[some])
        is_behind[some] = (from_axis * axis.at(axis.ahead, position[some])).sum(1) < -_BEHIND_MM
        away = axis.at(axis.tangents, position[some]) * np.interp(position[some], axis.positions, back)[:, None]
        read[some] = read_nearest(names, places[some] + away, spacing)
    new = np.zeros_like(old)
    new[bone] = read
    # A name may have come from beside the bone: the nearest one that did not takes its place.
    named = _either(new, chain)
    nearest = ndimage.distance_transform_edt(~named, sampling=spacing, return_distances=False, return_indices=True)
    numbers = np.zeros(256, dtype=np.intp)
    numbers[list(chain)] = np.arange(len(chain))
    shifted = numbers[new[tuple(nearest)][bone]]
    renamed = correction.renaming[is_behind, shifted, np.rint(position).astype(np.intp)]
    result = names.copy()
    result[near][bone] = np.array(chain, dtype=np.uint8)[renamed]
    return result


def _either(names: Labels, labels: Sequence[int]) -> NDArray[np.bool_]:
    table = np.zeros(256, dtype=bool)
    table[list(labels)] = True
    return table[names]
