"""Vertebrae and discs of other heights: names must not be learnt from sizes in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap

_LOWEST, _HIGHEST = 27, 38  # L5 to T6


@dataclass(frozen=True)
class SpineOptions:
    """Standard deviations of the logarithm of a factor; ``disc`` its range."""

    log_region: float = 0.10
    """All of the lumbar spine at once."""
    log_vertebra: float = 0.06
    log_disc: tuple[float, float] = (-1.0, 0.6)
    """Thin to wide; drawn once for the patient, and half as much again for each disc."""
    collapse: float = 0.12
    """Share of patients with one vertebra pressed to about half its height."""


def body_ends(source: AnatomyMap) -> NDArray[np.float64]:
    """Levels (k, voxels, ascending) where vertebral bodies begin and end, from L5 up: bottom, top, bottom, top, ...

    A body is measured on the vertical line through its middle, which is where its bone is deepest.
    """
    ends: list[float] = []
    for value in range(_LOWEST, _HIGHEST):
        mask = source.labels == value
        levels = np.flatnonzero(mask.any((1, 2)))
        if not levels.size or levels[0] == 0 or levels[-1] == mask.shape[0] - 1:
            continue  # not in view, or cut
        inside = mask[levels[0] : levels[-1] + 1]
        depth = np.where(inside, source.depth[levels[0] : levels[-1] + 1], 0)
        _, j, i = np.unravel_index(int(depth.argmax()), depth.shape)
        column = np.flatnonzero(inside[:, j, i]) + levels[0]
        if ends and column[0] <= ends[-1]:
            continue
        ends += [float(column[0]) - 0.5, float(column[-1]) + 0.5]
    return np.array(ends)


def random_heights(
    ends: NDArray[np.float64], options: SpineOptions, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Knots of a map of levels: where the levels ``ends`` of a map come to lie, and these levels.

    The bottom of the lowest body stays where it is. Both ascend, so the map has an inverse.
    """
    if len(ends) < 4:
        return ends, ends
    lengths = np.diff(ends)
    factors = np.exp(rng.normal(0, options.log_region) + rng.normal(0, options.log_vertebra, len(lengths)))
    discs = np.arange(1, len(lengths), 2)
    patient = rng.uniform(*options.log_disc)
    factors[discs] *= np.exp(patient + 0.5 * rng.uniform(-0.5, 0.5, len(discs)))
    if rng.random() < options.collapse:
        factors[2 * rng.integers((len(lengths) + 1) // 2)] *= rng.uniform(0.4, 0.8)
    return np.concatenate([ends[:1], ends[0] + np.cumsum(lengths * factors)]), ends


def source_levels(levels: NDArray[np.float32], moved: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray:
    """The level of the map that is shown at each of ``levels``; beyond the knots everything shifts as a whole."""
    if not len(ends):
        return levels
    far = 10_000.0
    shown = [moved[0] - far, *moved, moved[-1] + far]
    read = [ends[0] - far, *ends, ends[-1] + far]
    return np.interp(levels, shown, read).astype(np.float32)
