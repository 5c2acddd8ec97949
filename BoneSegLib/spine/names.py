"""Names of vertebrae moved along the spine until they begin and end at discs, and counted anew where they miscount."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.spine.axis import Floats, SpineAxis, spine_axis
from BoneSegLib.spine.borders import LEAST_MM, Spacing, name_borders, read_nearest, shares_along
from BoneSegLib.spine.levels import find_levels
from BoneSegLib.spine.picture import ReadHU, straightened

_REACH_MM = 25.0
"""Names near the spine may be wrong as well, and below the lowest disc the shift fades out over this length."""
_SAME_MM = 16
"""A name that begins no farther from a disc than this is meant to begin there."""
_WITHIN_MM = 8.0
"""Processes hang below a vertebra's discs and joints stand above them: what bears its name counts as so far within."""
_BEHIND_MM, _HANGS_MM = 20.0, 15.0
"""Behind the bodies a vertebra reaches so far below its lower disc: there the next one comes into view first."""
_BOX_VOXELS = 400_000
"""Voxels moved at once: memory does not grow with the spine."""


def names_at_discs(
    names: NDArray[np.uint8], chain: Sequence[int], read_hu: ReadHU, *, spacing: Spacing
) -> NDArray[np.uint8]:
    """``names`` (uint8 kji, k to the head) with the labels of ``chain`` moved so that they meet at discs.

    ``chain``: labels from below: sacrum, L5 ... L1, and what follows above if that has a label. Which voxels bear one
    of these labels does not change, only which. Returns ``names`` itself where too little of a spine is in view.
    """
    vertebrae = _either(names, chain[1:6])
    axis = spine_axis(vertebrae, spacing)
    if axis is None:
        return names
    from BoneSegLib.spine.disc_network import disc_evidence

    shares = shares_along(axis, names, chain, spacing)
    levels = find_levels(shares, disc_evidence(straightened(axis, read_hu)))
    discs = {int(levels[place]): int(place) for place in np.flatnonzero(np.diff(levels)) + 1}
    borders = name_borders(shares)
    if discs == borders:
        return names
    begins, ends = _moves(list(borders.values()), list(discs.values()))
    renaming = _renaming(levels, {number: _moved(place, begins, ends) for number, place in borders.items()},
                         is_seen=shares.sum(0) >= LEAST_MM)  # fmt: skip
    renaming = np.stack([renaming, _renaming_behind(renaming, levels, sorted(discs.values()))])
    return _applied(names, vertebrae, chain, axis, spacing, begins, ends, renaming)


def _moves(borders: Sequence[int], discs: Sequence[int]) -> tuple[Floats, Floats]:
    """Places along the axis from which names move, and the discs to which: of each two that are the other's nearest."""
    if not (borders and discs):
        return np.zeros(1), np.zeros(1)
    away = np.abs(np.array(borders)[:, None] - np.array(discs)[None, :])
    pairs = [(borders[b], discs[d]) for b, d in enumerate(away.argmin(1))
             if away[:, d].argmin() == b and away[b, d] <= _SAME_MM]  # fmt: skip
    moves = np.array(sorted(pairs) or [(0, 0)], dtype=np.float64)
    return moves[:, 0], moves[:, 1]


def _moved(place: float, begins: Floats, ends: Floats) -> float:
    return float(place + np.interp(place, begins, ends - begins))


def _renaming(
    levels: NDArray[np.intp], borders: Mapping[int, float], *, is_seen: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """(names, n): the new name of what bears a name and lies at a mm of the axis, where names begin at ``borders``.

    Of a vertebra's name it is what the axis bears within its borders; the sacrum and what lies above are much larger
    than what is seen of them there, and change only between their borders.
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


def _renaming_behind(renaming: NDArray[np.intp], levels: NDArray[np.intp], discs: Sequence[int]) -> NDArray[np.intp]:
    """The same for what lies behind the bodies: of a vertebra whose body is not in view, its arch may be.

    It is there if the network had one name more than there are discs, and near where the next disc must be.
    """
    renaming, highest = renaming.copy(), int(levels[-1])
    if len(discs) >= 2 and highest + 1 < len(renaming):
        next_disc = discs[-1] + float(np.median(np.diff(discs)))
        renaming[highest + 1 :, int(next_disc - _HANGS_MM) :] = highest + 1
    return renaming


def _applied(
    names: NDArray[np.uint8],
    vertebrae: NDArray[np.bool_],
    chain: Sequence[int],
    axis: SpineAxis,
    spacing: Spacing,
    begins: Floats,
    ends: Floats,
    renaming: NDArray[np.intp],
) -> NDArray[np.uint8]:
    from scipy import ndimage

    along = np.interp(axis.positions, ends, begins - ends) * np.clip(1 - (ends[0] - axis.positions) / _REACH_MM, 0, 1)
    (found,) = ndimage.find_objects(vertebrae.astype(np.uint8))
    box = tuple(
        slice(max(0, part.start - int(_REACH_MM / step)), part.stop + int(_REACH_MM / step))
        for part, step in zip(found, spacing, strict=True)
    )
    old = names[box]
    bone = _either(old, chain)
    places = (np.argwhere(bone) + [part.start for part in box]) * np.array(spacing)
    read = np.empty(len(places), dtype=np.uint8)
    position = np.empty(len(places))
    is_behind = np.empty(len(places), dtype=np.intp)
    for start in range(0, len(places), _BOX_VOXELS):
        some = slice(start, start + _BOX_VOXELS)
        position[some] = axis.position_of(places[some])
        from_axis = places[some] - axis.at(axis.points, position[some])
        is_behind[some] = (from_axis * axis.at(axis.ahead, position[some])).sum(1) < -_BEHIND_MM
        ahead = axis.at(axis.tangents, position[some]) * np.interp(position[some], axis.positions, along)[:, None]
        read[some] = read_nearest(names, places[some] + ahead, spacing)
    new = np.zeros_like(old)
    new[bone] = read
    # A name may have come from beside the bone: the nearest one that did not takes its place.
    named = _either(new, chain)
    nearest = ndimage.distance_transform_edt(~named, sampling=spacing, return_distances=False, return_indices=True)
    numbers = np.zeros(256, dtype=np.intp)
    numbers[list(chain)] = np.arange(len(chain))
    moved = numbers[new[tuple(nearest)][bone]]
    result = names.copy()
    result[box][bone] = np.array(chain, dtype=np.uint8)[renaming[is_behind, moved, np.rint(position).astype(np.intp)]]
    return result


def _either(names: NDArray[np.uint8], labels: Sequence[int]) -> NDArray[np.bool_]:
    table = np.zeros(256, dtype=bool)
    table[list(labels)] = True
    return table[names]
