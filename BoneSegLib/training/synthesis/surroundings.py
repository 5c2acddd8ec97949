"""What lies around the patient: the table, its mattress, the arms, cables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.training.synthesis.tissue import OTHER_BONE


def add_table(ct: NDArray[np.float32], body: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """One or two thin curved sheets behind the back, as CT tables are hollow shells."""
    rows = np.flatnonzero(body.any((0, 2)))
    if not rows.size:
        return
    columns = np.arange(ct.shape[2])
    curve = rng.uniform(0, 0.0012) * (columns - ct.shape[2] / 2) ** 2
    top = rows.max() + rng.integers(1, 10)
    for distance in [0, rng.integers(8, 40)][: rng.integers(1, 3)]:
        thickness = int(rng.integers(1, 4))
        hu = rng.uniform(-700, 150)
        for column in columns:
            row = int(top + distance - curve[column])
            if 0 <= row < ct.shape[1]:
                sheet = ct[:, row : row + thickness, column]
                sheet[sheet < -500] = hu


def add_arm(
    ct: NDArray[np.float32],
    targets: NDArray[np.uint8],
    body: NDArray[np.bool_],
    *,
    spacing: float,
    rng: np.random.Generator,
) -> None:
    """A forearm beside the trunk: a tube of muscle and skin with one or two bones, labelled as other bone."""
    shape = ct.shape
    columns = np.flatnonzero(body.any((0, 1)))
    if not columns.size:
        return
    left = rng.random() < 0.5
    radius = rng.uniform(25, 45) / spacing
    i0 = columns.max() + radius * rng.uniform(0.6, 1.3) if left else columns.min() - radius * rng.uniform(0.6, 1.3)
    j0 = rng.uniform(0.3, 0.75) * shape[1]
    slope_i, slope_j = rng.normal(0, 0.1), rng.normal(0, 0.2)
    j, i = np.ogrid[: shape[1], : shape[2]]
    bones = [(rng.uniform(-0.4, 0.4) * radius, rng.uniform(-0.4, 0.4) * radius, rng.uniform(5, 9) / spacing)
             for _ in range(rng.integers(1, 3))]  # fmt: skip
    bright, core = rng.uniform(600, 1300), rng.uniform(-50, 300)
    first, last = sorted(rng.integers(0, shape[0], 2))
    for k in range(first, last):
        cj, ci = j0 + slope_j * (k - first), i0 + slope_i * (k - first)
        free = ct[k] < -300
        tube = np.hypot(j - cj, i - ci)
        ct[k][free & (tube < radius)] = -90
        ct[k][free & (tube < radius * 0.8)] = 50
        for dj, di, size in bones:
            distance = np.hypot(j - cj - dj, i - ci - di)
            ct[k][free & (distance < size)] = bright
            ct[k][free & (distance < size * 0.5)] = core
            targets[k][free & (distance < size)] = OTHER_BONE
