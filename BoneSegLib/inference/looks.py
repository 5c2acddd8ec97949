"""In which ways a network is shown a window: as it is, mirrored, or mirrored with left and right swapped."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from BoneSegLib.inference.bones import knows_bones_alone
from BoneSegLib.models.model import Model
from BoneSegLib.options import SegmentOptions
from BoneSegLib.sides import mirroring_of

_LEFT_RIGHT = 2
"""The axis of a kji array in LPS along which patients are mirrored."""


@dataclass(frozen=True)
class Look:
    """Flipped along ``axes`` (of the network's array). ``heads``: for each label, which head of the network stands for
    it then; ``None``: its own."""

    axes: tuple[int, ...] = ()
    heads: tuple[int, ...] | None = None


def mirrored_looks(axes: Sequence[int]) -> tuple[Look, ...]:
    """As it is and flipped along all combinations of ``axes``: nnU-Net's test-time augmentation."""
    return tuple(Look(flipped) for count in range(len(axes) + 1) for flipped in itertools.combinations(axes, count))


def second_looks(model: Model, options: SegmentOptions) -> tuple[Look, ...]:
    """How the first network of a cascade of bones sees the image once more: mirrored, left and right swapped.

    It alone says which bone is where, at a small share of the work. A mirrored patient is a patient, and it was trained
    on mirrored ones; where it wavers between two names, another look decides. Empty for other models: whether they were
    trained so is not known.
    """
    stages = model.stages_of(options.quality)
    dataset = stages[0].dataset
    if not (options.second_look and len(stages) > 1 and model.canonical and knows_bones_alone(dataset)):
        return ()
    mirroring = mirroring_of(sorted(dataset.labels, key=lambda name: dataset.labels[name]))
    if not mirroring.swaps:
        return ()
    return (Look((stages[0].plans.transpose.index(_LEFT_RIGHT),), mirroring.table),)
