"""In which ways a network is shown a window: as it is, mirrored, or mirrored with left and right swapped."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from BoneSegLib.inference.bones import knows_bones_alone
from BoneSegLib.models.model import Model, Stage
from BoneSegLib.options import SegmentOptions
from BoneSegLib.sides import mirroring_of

_LEFT_RIGHT = 2
"""The axis of a kji array in LPS along which patients are mirrored."""


@dataclass(frozen=True)
class Look:
    """Flipped along ``axes`` (of the network's array). ``heads``: for each label, which head of the network stands for
    it then, and of a cascade's later network which channel of names; ``None``: its own."""

    axes: tuple[int, ...] = ()
    heads: tuple[int, ...] | None = None


def mirrored_looks(axes: Sequence[int]) -> tuple[Look, ...]:
    """As it is and flipped along all combinations of ``axes``: nnU-Net's test-time augmentation."""
    return tuple(Look(flipped) for count in range(len(axes) + 1) for flipped in itertools.combinations(axes, count))


def second_looks(model: Model, options: SegmentOptions) -> tuple[Look, ...]:
    """How the first network of a cascade of bones sees the image once more: mirrored, left and right swapped.

    It alone says which bone is where, at a small share of the work. Where it wavers between two names, another look
    decides.
    """
    stages = model.stages_of(options.quality)
    return _swapped(model, stages[0]) if options.second_look and len(stages) > 1 else ()


def last_looks(model: Model, options: SegmentOptions) -> tuple[Look, ...]:
    """How the last network sees the image once more with test-time augmentation, where names have sides."""
    return _swapped(model, model.stages_of(options.quality)[-1]) if options.mirroring else ()


def _swapped(model: Model, stage: Stage) -> tuple[Look, ...]:
    """Mirrored, left and right swapped: a mirrored patient is a patient, and our networks were trained on mirrored
    ones. Nothing for other models: whether they were trained so is not known."""
    dataset = stage.dataset
    if not (model.canonical and knows_bones_alone(dataset)):
        return ()
    mirroring = mirroring_of(sorted(dataset.labels, key=lambda name: dataset.labels[name]))
    if not mirroring.swaps:
        return ()
    return (Look((stage.plans.transpose.index(_LEFT_RIGHT),), mirroring.table),)
