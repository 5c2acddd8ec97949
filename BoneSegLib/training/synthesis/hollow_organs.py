"""What is in bowel and bladder: gas, stool, water, and contrast that was drunk, instilled or excreted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.training.synthesis.noise import smooth_noise
from BoneSegLib.training.synthesis.tissue import BLADDER, group_values


def fill_bowel(ct: NDArray[np.float32], labels: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Each part of the bowel (stomach to colon) has contents of its own inside a wall of soft tissue, in place."""
    shape = labels.shape
    contrast = rng.random() < 0.35
    bowel = np.isin(labels, group_values("bowel"))
    if not bowel.any():
        return
    lumen = bowel & eroded(bowel)
    large, mottled = smooth_noise(shape, 14, rng).numpy(), smooth_noise(shape, 2.5, rng).numpy()
    ct[bowel] = rng.uniform(20, 60)
    for value in group_values("bowel"):
        part = lumen & (labels == value)
        if part.any():
            ct[part] = _contents(large[part], mottled[part], contrast=contrast and rng.random() < 0.7, rng=rng)


def _contents(
    large: NDArray[np.float32], mottled: NDArray[np.float32], *, contrast: bool, rng: np.random.Generator
) -> NDArray[np.float32]:
    """HU: gas where ``large`` is high, fluid where it is low, mottled stool between; contrast up to dense barium."""
    dense = float(np.exp(rng.uniform(np.log(100), np.log(1500)))) if contrast else 0.0
    fluid = dense if contrast else rng.uniform(0, 40)
    stool = rng.uniform(-120, 40) + mottled * rng.uniform(20, 140) + dense * rng.uniform(0, 1)
    gas_share = rng.uniform(0.2, 1.6)
    gas = np.where(large > gas_share, rng.uniform(-1000, -850), np.where(large < -0.2, fluid, stool))
    return gas.astype(np.float32)


def fill_bladder(ct: NDArray[np.float32], labels: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Contrast in the bladder of some, mixed, or lying at the back below a level surface; changes ``ct``."""
    if rng.random() >= 0.25:
        return
    bladder = labels == BLADDER
    rows = np.flatnonzero(bladder.any((0, 2)))
    if not rows.size:
        return
    hu, level = float(np.exp(rng.uniform(np.log(100), np.log(2000)))), -1.0
    if rng.random() < 0.5:
        level = rng.uniform(rows[0], rows[-1])
    settled = bladder & (np.arange(labels.shape[1])[None, :, None] > level)
    ct[settled] = hu + ct[settled]


def eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The voxels of a mask whose six neighbours belong to it."""
    core = mask.copy()
    for axis in range(3):
        core &= np.roll(mask, 1, axis) & np.roll(mask, -1, axis)
    return core
