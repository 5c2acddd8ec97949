"""Diseased bone: lytic and sclerotic metastases, bone islands, the coarse trabeculae of osteoporosis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.training.synthesis.noise import smooth_noise


@dataclass(frozen=True)
class LesionOptions:
    """How often (0-1)."""

    lesions: float = 0.12
    coarse_trabeculae: float = 0.15


def add_lesions(
    solid: NDArray[np.float32],
    depth: NDArray[np.float32],
    *,
    spacing: float,
    options: LesionOptions,
    rng: np.random.Generator,
) -> None:
    """Changes the HU ``solid`` of bone in place; ``depth`` in mm, positive inside."""
    if rng.random() < options.coarse_trabeculae:
        _coarsen(solid, depth, spacing=spacing, rng=rng)
    if rng.random() < options.lesions:
        inside = np.flatnonzero(depth > 2)
        for at in rng.choice(inside, min(len(inside), int(rng.integers(1, 9)))):
            center = np.array(np.unravel_index(at, depth.shape))
            lytic = rng.random() < 0.5
            hu = rng.uniform(10, 90) if lytic else rng.uniform(450, 1200)
            replace_ball(solid, center, hu=hu, radius_mm=rng.uniform(3, 14), spacing=spacing, rng=rng)


def replace_ball(
    solid: NDArray[np.float32],
    center: NDArray[np.int_],
    *,
    hu: float,
    radius_mm: float,
    spacing: float,
    rng: np.random.Generator,
) -> None:
    """A lesion: a ball with an uneven edge that fades over 2 mm, in place."""
    reach = int(1.5 * radius_mm / spacing) + 2
    box = tuple(slice(max(0, c - reach), c + reach + 1) for c in center)
    part = solid[box]
    grids = np.ogrid[tuple(slice(0, n) for n in part.shape)]
    k, j, i = (grid + s.start - c for grid, s, c in zip(grids, box, center, strict=True))
    distance = np.sqrt(k**2 + j**2 + i**2) * spacing
    edge = radius_mm * (1 + 0.2 * smooth_noise(part.shape, 4, rng).numpy())
    share = np.clip((edge - distance) / 2, 0, 1)
    part[:] = (1 - share) * part + share * hu


def _coarsen(
    solid: NDArray[np.float32], depth: NDArray[np.float32], *, spacing: float, rng: np.random.Generator
) -> None:
    """Few thick trabeculae, upright as the load is: noise that is long in k and short in j and i."""
    shape = solid.shape
    upright = smooth_noise((max(2, shape[0] // 6), *shape[1:]), rng.uniform(1.6, 3) * 1.5 / spacing, rng)
    levels = np.minimum(np.arange(shape[0]) // 6, upright.shape[0] - 1)
    spongy = depth > 3
    pattern = upright.numpy()[levels]
    solid[spongy] += pattern[spongy] * np.float32(rng.uniform(30, 110)) - np.float32(rng.uniform(0, 60))
