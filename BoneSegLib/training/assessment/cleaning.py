"""What each step of post-processing does to the Dice: the same labels, cleaned in one way after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from BoneSegLib.evaluation.overlap import count_overlap
from BoneSegLib.postprocessing import BoneLimits, clean_labels
from BoneSegLib.volume import LabelMap


def _nothing(array: np.ndarray, values: Sequence[int], *, bones: BoneLimits | None) -> None:
    """As the networks say."""


def _largest_alone(array: np.ndarray, values: Sequence[int], *, bones: BoneLimits | None) -> None:
    """Only the largest piece of each structure: what broken bones must not undergo."""
    from scipy import ndimage

    for value in values:
        pieces, count = ndimage.label(array == value)
        if count > 1:
            largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
            array[(pieces > 0) & (pieces != largest)] = 0


STEPS: Mapping[str, Callable[..., None]] = {
    "none": _nothing,
    "islands": partial(clean_labels, holes=False),
    "holes": partial(clean_labels, islands=False),
    "largest piece alone": _largest_alone,
}
"""Step -> what it does to labels (uint8 kji), in place; ``bones`` as of `clean_labels`."""


def dice_after_steps(
    raw: LabelMap, reference: LabelMap, *, bones: BoneLimits | None = None
) -> dict[str, dict[str, float]]:
    """Step -> structure id -> Dice. ``raw``: labels without post-processing; both on one grid, structures by id."""
    own = {structure.id: structure.label for structure in raw.structures}
    found: dict[str, dict[str, float]] = {}
    for step, clean in STEPS.items():
        array = raw.array.copy()
        clean(array, list(own.values()), bones=bones)
        found[step] = dice_by_structure(replace(raw, array=array), reference)
    return found


def dice_by_structure(test: LabelMap, reference: LabelMap) -> dict[str, float]:
    """Structure id -> Dice, for the structures of ``reference``; nan where neither has voxels. Both on one grid."""
    table = np.zeros(256, np.uint8)
    own = {structure.id: structure.label for structure in reference.structures}
    for structure in test.structures:
        table[structure.label] = own.get(structure.id, 0)
    overlap = count_overlap(reference.array, table[test.array], list(own.values()))
    return {name: overlap.of(label).dice for name, label in own.items()}
