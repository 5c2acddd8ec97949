"""Where along a spine one name gives way to the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.spine.axis import Floats, SpineAxis

Spacing = tuple[float, float, float]

_BODY_MM = 12.0
"""Radius of the plates across the spine: within a body, even a tilted one."""
LEAST_MM = 2.0
"""A name is there if so much of the spine bears it."""


def borders_along(axis: SpineAxis, names: NDArray[np.uint8], chain: Sequence[int], spacing: Spacing) -> dict[int, int]:
    """Where along an axis each name of ``chain`` begins (see `name_borders`)."""
    return name_borders(shares_along(axis, names, chain, spacing))


def shares_along(axis: SpineAxis, names: NDArray[np.uint8], chain: Sequence[int], spacing: Spacing) -> Floats:
    """(n, names): how much of a plate across the axis bears each name of ``chain``, at each mm; in ``names`` (kji)."""
    plates = axis.across(_BODY_MM)
    seen = read_nearest(names, plates.reshape(-1, 3), spacing).reshape(plates.shape[:2])
    return np.stack([(seen == label).mean(1) for label in chain], axis=1)


def name_borders(shares: Floats) -> dict[int, int]:
    """Where one name gives way to the next: ``shares`` (n, names) of each name on the plates, names from below.

    Returns the position (mm) at which each name that is seen begins, but for the lowest.
    """
    seen = np.flatnonzero(shares.sum(0) >= LEAST_MM)
    borders = {}
    for number in seen[1:]:
        wrong = np.cumsum(shares[:, number:].sum(1) - shares[:, :number].sum(1))
        borders[int(number)] = int(np.flatnonzero(wrong == wrong.min()).mean())
    return borders


def read_nearest(names: NDArray[np.uint8], places: Floats, spacing: Spacing) -> NDArray[np.uint8]:
    """Labels at places in mm; 0 outside."""
    index = np.rint(places / np.array(spacing)).astype(np.intp)
    inside = ((index >= 0) & (index < names.shape)).all(1)
    read = np.zeros(len(places), dtype=np.uint8)
    k, j, i = index[inside].T
    read[inside] = names[k, j, i]
    return read
