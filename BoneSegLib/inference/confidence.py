"""How sure the networks were of each bone: read off their logits, slab by slab.

A network's mean softmax probability over the voxels that it gave to a bone is high where it decided clearly. In a
cascade the first network names the bones and the last one draws them, and a bone is right only if both are. Which of
several such numbers tells most about the Dice of a bone was measured (`Testing/benchmarks/confidence.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from BoneSegLib.inference.restore import LogitsBlock

_SLAB = 8


def mean_probabilities(block: LogitsBlock) -> tuple[float | None, ...]:
    """Per class the mean softmax probability (0 to 1) over the voxels where it wins.

    ``None`` for background and for what wins nowhere.
    Only voxels of bone are looked at, so that no array of classes x voxels is made.
    """
    heads = len(block.logits)
    total = torch.zeros(heads, dtype=torch.float64)
    count = torch.zeros(heads, dtype=torch.float64)
    for start in range(0, block.logits.shape[1], _SLAB):
        slab = block.logits[:, start : start + _SLAB].reshape(heads, -1)
        winners = slab.argmax(0)
        bone = winners.nonzero()[:, 0]
        if not len(bone):
            continue
        best = slab[:, bone].float().softmax(0).amax(0).double().cpu()
        classes = winners[bone].cpu()
        total.index_add_(0, classes, best)
        count.index_add_(0, classes, torch.ones_like(best))
    return tuple(float(t / n) if n else None for t, n in zip(total, count, strict=True))


def combine(stages: Sequence[Sequence[float | None]], labels: Mapping[str, int]) -> dict[str, float]:
    """The confidence (0 to 1) of each structure: that of the network that was least sure of it.

    ``stages``: `mean_probabilities` of each network; ``labels``: structure id -> class. Structures that the last
    network found nowhere are left out.
    """
    found = {}
    for structure, label in labels.items():
        values = [stage[label] for stage in stages]
        if values[-1] is not None:
            found[structure] = round(min(value for value in values if value is not None), 4)
    return found
