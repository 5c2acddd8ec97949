"""Names of vertebrae moved along the spine until they begin and end at discs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.spine.axis import SpineAxis, spine_axis
from BoneSegLib.spine.discs import find_discs, name_borders
from BoneSegLib.spine.picture import ReadHU, straightened

Spacing = tuple[float, float, float]

_BODY_MM = 12.0
"""Radius of the plates across the spine: within a body, even a tilted one."""
_REACH_MM = 25.0
"""Names near the spine may be wrong as well, and below the lowest disc the shift fades out over this length."""
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

    borders = borders_along(axis, names, chain, spacing)
    discs = find_discs(disc_evidence(straightened(axis, read_hu)), borders)
    if discs == borders:
        return names
    return _moved(names, vertebrae, chain, axis, borders, discs, spacing)


def borders_along(axis: SpineAxis, names: NDArray[np.uint8], chain: Sequence[int], spacing: Spacing) -> dict[int, int]:
    """Where along an axis each name of ``chain`` begins (see `name_borders`)."""
    plates = axis.across(_BODY_MM)
    seen = _read_nearest(names, plates.reshape(-1, 3), spacing).reshape(plates.shape[:2])
    return name_borders(np.stack([(seen == label).mean(1) for label in chain], axis=1))


def _moved(
    names: NDArray[np.uint8],
    vertebrae: NDArray[np.bool_],
    chain: Sequence[int],
    axis: SpineAxis,
    borders: dict[int, int],
    discs: dict[int, int],
    spacing: Spacing,
) -> NDArray[np.uint8]:
    from scipy import ndimage

    to = np.array([discs[number] for number in sorted(discs)], dtype=np.float64)
    shift = np.array([borders[number] for number in sorted(discs)]) - to
    along = np.interp(axis.positions, to, shift) * np.clip(1 - (to[0] - axis.positions) / _REACH_MM, 0, 1)
    (found,) = ndimage.find_objects(vertebrae.astype(np.uint8))
    box = tuple(
        slice(max(0, part.start - int(_REACH_MM / step)), part.stop + int(_REACH_MM / step))
        for part, step in zip(found, spacing, strict=True)
    )
    old = names[box]
    bone = _either(old, chain)
    places = (np.argwhere(bone) + [part.start for part in box]) * np.array(spacing)
    read = np.empty(len(places), dtype=np.uint8)
    for start in range(0, len(places), _BOX_VOXELS):
        some = places[start : start + _BOX_VOXELS]
        position = axis.position_of(some)
        source = some + axis.at(axis.tangents, position) * np.interp(position, axis.positions, along)[:, None]
        read[start : start + _BOX_VOXELS] = _read_nearest(names, source, spacing)
    new = np.zeros_like(old)
    new[bone] = read
    # A name may have come from beside the bone: the nearest one that did not takes its place.
    named = _either(new, chain)
    nearest = ndimage.distance_transform_edt(~named, sampling=spacing, return_distances=False, return_indices=True)
    result = names.copy()
    result[box] = np.where(bone, new[tuple(nearest)], old)
    return result


def _either(names: NDArray[np.uint8], labels: Sequence[int]) -> NDArray[np.bool_]:
    table = np.zeros(256, dtype=bool)
    table[list(labels)] = True
    return table[names]


def _read_nearest(names: NDArray[np.uint8], places: NDArray[np.float64], spacing: Spacing) -> NDArray[np.uint8]:
    """Labels at places in mm; 0 outside."""
    index = np.rint(places / np.array(spacing)).astype(np.intp)
    inside = ((index >= 0) & (index < names.shape)).all(1)
    read = np.zeros(len(places), dtype=np.uint8)
    k, j, i = index[inside].T
    read[inside] = names[k, j, i]
    return read
