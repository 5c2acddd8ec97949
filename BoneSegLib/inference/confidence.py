"""How sure the networks were of each bone: read off their logits, slab by slab.

A network's mean softmax probability over the voxels that it gave to a bone is high where it decided clearly. In a
cascade the first network names the bones; the ones behind it are shown these names, and are sure of them, right or
wrong. So the first one's number tells more about the Dice of a bone than the last one's, or the smaller of both
(measured: `Testing/benchmarks/confidence.py`, docs/flags.md).

Where discs in the image have the last word on the names of vertebrae, the network's doubt between two neighbours says
nothing of the result. There a vertebra's voxels count with the probability that they are of the spine at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch

from BoneSegLib.inference.restore import LogitsBlock

_SLAB = 8


class Probabilities:
    """Adds up, block by block, the softmax probability of the winning class.

    ``spine``: the classes from the sacrum up whose names discs settle; for those above the sacrum, the probabilities of
    all of them are added.
    """

    def __init__(self, heads: int, spine: Sequence[int] = ()) -> None:
        self._spine = list(spine)
        self._is_vertebra = np.isin(np.arange(heads), self._spine[1:])
        self._total = np.zeros(heads)
        self._count = np.zeros(heads)

    def watch(self, blocks: Iterable[LogitsBlock]) -> Iterator[LogitsBlock]:
        """Passes the blocks on."""
        for block in blocks:
            self._add(block)
            yield block

    def means(self) -> tuple[float | None, ...]:
        """Per class the mean probability (0 to 1) over the voxels where it wins (see ``spine`` above).

        ``None`` for background and for what wins nowhere.
        """
        pairs = zip(self._total, self._count, strict=True)
        return tuple(float(total / count) if count else None for total, count in pairs)

    def _add(self, block: LogitsBlock) -> None:
        heads = len(block.logits)
        for start in range(block.repeated, block.logits.shape[1], _SLAB):
            # Only voxels of bone are looked at, so that no array of classes x voxels is made.
            winners = block.winners[start : start + _SLAB].reshape(-1)
            bone = np.flatnonzero(winners)
            if not len(bone):
                continue
            logits = block.logits[:, start : start + _SLAB].movedim(0, -1).reshape(-1, heads)
            places = torch.from_numpy(bone).to(logits.device)
            each = logits.index_select(0, places).float().softmax(1)
            best = each.amax(1)
            if self._spine:
                vertebra = torch.from_numpy(self._is_vertebra[winners[bone]]).to(each.device)
                best = torch.where(vertebra, each[:, self._spine].sum(1), best)
            self._total += np.bincount(winners[bone], best.double().cpu().numpy(), minlength=heads)
            self._count += np.bincount(winners[bone], minlength=heads)


def combine(stages: Sequence[Sequence[float | None]], labels: Mapping[str, int]) -> dict[str, float]:
    """The confidence (0 to 1) of each structure: that of the first network that found it.

    ``stages``: `Probabilities.means` of each network; ``labels``: structure id -> class. Structures that the last
    network found nowhere are left out.
    """
    found = {}
    for structure, label in labels.items():
        values = [stage[label] for stage in stages]
        if values[-1] is not None:
            found[structure] = round(next(value for value in values if value is not None), 4)
    return found
