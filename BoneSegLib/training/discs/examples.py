"""Straightened spines of synthetic cases, with their discs marked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from BoneSegLib.spine.axis import spine_axis
from BoneSegLib.spine.borders import borders_along
from BoneSegLib.spine.picture import straightened
from BoneSegLib.training.anatomy_augmentation import change_anatomy
from BoneSegLib.training.augmentation import AIR_HU, change_intensity, read_box, window_points
from BoneSegLib.training.cases import Case, open_case
from BoneSegLib.training.coarse_names import CoarseErrors, coarse_names
from BoneSegLib.training.predicted_names import read_names, votes_path
from BoneSegLib.training.stage import LOWRES
from BoneSegLib.training.synthesis.tissue import CLASS_COUNT

CHAIN = (3, 10, 9, 8, 7, 6, 11)
"""Sacrum, L5 ... L1, and other bone above."""
_SPACING = 2.0
_AROUND_MM = (68.0, 60.0, 45.0)
_SIGMA_MM = 2.5
_MARGIN_MM, _SACRUM_MM = 12, 37
"""How far the truth is known beyond the outermost discs: the labels tell of none above T12, and the sacrum has none."""


@dataclass(frozen=True, eq=False)
class Example:
    """``picture`` HU (n, ahead, aside); ``discs`` (n,) 1 in the middle of a disc, 0 far away; ``known`` (n,) bool."""

    picture: NDArray[np.float16]
    discs: NDArray[np.float32]
    known: NDArray[np.bool_]


def example_of(labels: Path, rng: np.random.Generator, *, case_spacing: float = 1.5) -> Example | None:
    """The spine of a case (its label file), or None where too little of one is in it.

    The axis is that of the names that the coarse network gave (`predicted_names`), where it was asked, or might have.
    """
    case = open_case(labels)
    points = _around_the_spine(case, case_spacing)
    if points is None:
        return None
    names = _names(labels, case, points, rng, case_spacing)
    spacing = (_SPACING,) * 3
    axis = spine_axis(np.isin(names, CHAIN[1:6]), spacing)
    if axis is None:
        return None
    truth = read_box(case.labels, points, outside=0, nearest=True)
    borders = borders_along(axis, truth.numpy().astype(np.uint8), CHAIN, spacing)
    if len(borders) < 2:
        return None
    hu = _changed(read_box(case.ct, points, outside=AIR_HU), truth.long(), rng).numpy()

    def read_hu(places: NDArray[np.float64]) -> NDArray:
        return ndimage.map_coordinates(hu, (places / _SPACING).T, order=1, mode="nearest")

    discs, known = marked(borders, len(axis.points))
    return Example(straightened(axis, read_hu).astype(np.float16), discs, known)


def marked(borders: dict[int, int], length: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """What the network should answer at each mm of an axis whose discs lie at ``borders``, and where that is known."""
    places, middles = np.arange(length), np.array(sorted(borders.values()))
    discs = np.exp(-(((places[:, None] - middles) / _SIGMA_MM) ** 2) / 2).max(1).astype(np.float32)
    below = _SACRUM_MM if 1 in borders else _MARGIN_MM
    return discs, (places >= middles[0] - below) & (places < middles[-1] + _MARGIN_MM)


def _around_the_spine(case: Case, case_spacing: float) -> torch.Tensor | None:
    """Points 2 mm apart in the box around the lumbar vertebrae, or None without two of them."""
    thinned = np.asarray(case.labels[::4, ::4, ::4])
    if sum(bool((thinned == label).any()) for label in CHAIN[1:6]) < 2:
        return None
    places = np.argwhere(np.isin(thinned, CHAIN[1:6])) * 4
    around = np.array(_AROUND_MM) / case_spacing
    low, high = np.maximum(places.min(0) - around, 0), np.minimum(places.max(0) + around, case.ct.shape)
    step = _SPACING / case_spacing
    return window_points([int(size / step) for size in high - low], np.eye(3) * step, (low + high - 1) / 2)


def _names(
    labels: Path, case: Case, points: torch.Tensor, rng: np.random.Generator, case_spacing: float
) -> NDArray[np.int64]:
    votes = votes_path(labels)
    if votes.exists() and rng.random() < 0.7:
        return read_names(np.load(votes, mmap_mode="r"), points, step=LOWRES.spacing / case_spacing).numpy()
    factor = round(LOWRES.spacing / _SPACING)
    return coarse_names(case.labels, points, classes=CLASS_COUNT, spacing=case_spacing, errors=CoarseErrors(),
                        factor=factor, rng=rng).numpy()  # fmt: skip


def _changed(ct: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """More of what hides discs than other trainings see: fatty bone, gas, contrast medium, thick slices."""
    ct = change_anatomy(ct, labels, rng, spacing=_SPACING, gas=0.3, canal=0.3)
    if rng.random() < 0.5:
        levels = max(4, int(ct.shape[0] * _SPACING / rng.uniform(2.5, 8)))
        thick = functional.adaptive_avg_pool3d(ct[None, None], (levels, *ct.shape[1:]))
        ct = functional.interpolate(thick, size=tuple(ct.shape), mode="trilinear")[0, 0]
    return change_intensity(ct, rng)
