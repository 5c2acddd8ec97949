"""Random changes of a straightened spine, drawn anew at every step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from BoneSegLib.spine.picture import HU_RANGE


def change_picture(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """HU (n, ahead, aside) -> (n, ahead): the mean of some of the band, moved, of thicker slices, brighter, noisier."""
    width = int(rng.integers(2, picture.shape[2] + 1))
    start = int(rng.integers(0, picture.shape[2] - width + 1))
    seen = ndimage.shift(picture[:, :, start : start + width].mean(2), (0, rng.uniform(-1, 1)), order=1, mode="nearest")
    if rng.random() < 0.4:
        seen = _in_slices(seen, float(rng.uniform(2, 7)))
    seen = seen * rng.uniform(0.75, 1.3) + rng.normal(0, 30)
    seen = seen + np.clip(seen - 100, 0, None) * rng.uniform(-0.4, 0.5)
    if rng.random() < 0.6:
        seen = seen + rng.normal(0, rng.uniform(0, 40), seen.shape)
    return np.clip(seen, *HU_RANGE).astype(np.float32)


def _in_slices(seen: NDArray[np.float32], thickness: float) -> NDArray[np.float32]:
    """Slices of ``thickness`` mm across the axis, read back in between."""
    count = max(4, int(len(seen) / thickness))
    middles = (np.arange(count) + 0.5) * len(seen) / count - 0.5
    slices = ndimage.uniform_filter1d(seen, max(1, int(thickness)), axis=0)[np.rint(middles).astype(int)]
    places = np.arange(len(seen))
    return np.stack([np.interp(places, middles, column) for column in slices.T], axis=1)
