"""The training cases on disk: pairs of memory-mapped arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_POINTS_PER_LABEL = 3000


@dataclass(frozen=True)
class Case:
    """``ct`` int16 HU and ``labels`` uint8, both kji on an LPS grid of the set's spacing."""

    name: str
    ct: NDArray[np.int16]
    labels: NDArray[np.uint8]


def list_cases(folder: Path) -> list[Path]:
    """The label files of all complete cases of a folder, in order."""
    return sorted(folder.glob("synth_*_labels.npy"))


def open_case(labels: Path) -> Case:
    """A case by its label file; nothing is read until it is used."""
    ct = labels.with_name(labels.name.replace("_labels", "_ct"))
    return Case(labels.name.removesuffix("_labels.npy"), np.load(ct, mmap_mode="r"), np.load(labels, mmap_mode="r"))


@lru_cache(maxsize=1000)
def label_points(labels: Path) -> dict[int, NDArray[np.int16]]:
    """Some voxels (kji) of each label of a case, to draw windows around."""
    array = np.load(labels)
    rng = np.random.default_rng(0)
    points = {}
    for label in np.flatnonzero(np.bincount(array.ravel(), minlength=2))[0:]:
        if label == 0:
            continue
        flat = np.flatnonzero(array == label)
        chosen = rng.choice(flat, min(len(flat), _POINTS_PER_LABEL), replace=False)
        points[int(label)] = np.stack(np.unravel_index(chosen, array.shape), -1).astype(np.int16)
    return points
