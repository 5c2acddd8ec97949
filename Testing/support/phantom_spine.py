"""A spine of round bodies with discs in between, straight or bent, and names that are off by some mm."""

from __future__ import annotations

import numpy as np

SACRUM, OTHER = 3, 11
VERTEBRAE = (10, 9, 8, 7, 6)  # L5 to L1, from below
CHAIN = (SACRUM, *VERTEBRAE, OTHER)

BODY_MM, DISC_MM, RADIUS_MM = 26.0, 8.0, 19.0
FIRST_DISC_MM = 44.0
"""Middle of the lowest disc above the array's lower face."""


def disc_heights() -> np.ndarray:
    """Middle of the discs below L5, L4, ... L1 and T12, in mm of height."""
    return FIRST_DISC_MM + (BODY_MM + DISC_MM) * np.arange(6)


def spine(spacing, *, late_mm: float = 0.0, bend: float = 0.0, noise: float = 0.0):
    """CT (HU) and names (uint8), kji. ``late_mm``: by how much more each name begins too high than the one before it.

    ``bend``: how many mm the column moves backwards per 100 mm of height.
    """
    size = np.round(np.array([290.0, 110.0, 90.0]) / spacing).astype(int)
    k, j, i = (np.arange(n) * step for n, step in zip(size, spacing, strict=True))
    height = k[:, None, None] + 0 * j[None, :, None]
    middle = 45 + bend * height / 100
    column = np.hypot(j[None, :, None] - middle, i[None, None, :] - 45) <= RADIUS_MM
    column = np.broadcast_to(column, size).copy()
    discs = disc_heights()
    away = np.abs(k[:, None] - discs[None]).min(1)
    within = (k > FIRST_DISC_MM - 34) & (k < discs[-1] + 34)
    ct = np.full(size, 40.0)
    body, plate = within & (away > DISC_MM / 2), within & (away > DISC_MM / 2) & (away < DISC_MM / 2 + 3)
    ct[column & body[:, None, None]] = 160.0
    ct[column & plate[:, None, None]] = 420.0
    ct += np.random.default_rng(0).normal(0, noise, size) if noise else 0.0
    begins = discs + late_mm * np.arange(6)
    number = (k[:, None] >= begins[None]).sum(1)
    names = np.where(column & within[:, None, None], np.array(CHAIN, np.uint8)[number][:, None, None], np.uint8(0))
    return ct.astype(np.float32), names.astype(np.uint8)
