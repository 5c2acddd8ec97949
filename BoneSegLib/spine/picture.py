"""A spine straightened out: what a CT shows at its axis, in front of it, behind it and beside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.spine.axis import SpineAxis

ReadHU = Callable[[NDArray[np.float64]], NDArray]
"""HU at places (m, 3): mm along k, j, i from the middle of the first voxel."""

AHEAD_MM = np.arange(-30.0, 25.0, 3.0)
"""From behind the canal to the front of the bodies: contrast medium in the canal draws the axis back."""
ASIDE_MM = np.arange(-9.0, 10.0, 3.0)
"""A band no wider than a body."""
HU_RANGE = (-150.0, 700.0)
"""Neither gas in a disc nor a screw beside it counts for more than that."""


def straightened(axis: SpineAxis, read_hu: ReadHU) -> NDArray[np.float32]:
    """HU (n, ahead, aside) within `HU_RANGE` at each mm of the axis."""
    ahead = axis.ahead[:, None, None] * AHEAD_MM[None, :, None, None]
    aside = axis.aside[:, None, None] * ASIDE_MM[None, None, :, None]
    places = axis.points[:, None, None] + ahead + aside
    hu = np.asarray(read_hu(places.reshape(-1, 3)), np.float32).reshape(places.shape[:3])
    return np.clip(hu, *HU_RANGE)
