"""How sure the networks were of each bone: read off the last one's logits, slab by slab.

A network's mean softmax probability over the voxels that it gave to a bone is high where it decided clearly. In a
cascade that is the last network's: after the drafts that it has mended, its number goes with the Dice of a bone, the
first one's hardly does (measured: `Testing/benchmarks/confidence.py`, docs/flags.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from BoneSegLib.inference.restore import LogitsBlock

_SLAB = 8


class Probabilities:
    """Adds up, block by block, the softmax probability of the winning class."""

    def __init__(self, heads: int) -> None:
        self._total = np.zeros(heads)
        self._count = np.zeros(heads)

    def watch(self, blocks: Iterable[LogitsBlock]) -> Iterator[LogitsBlock]:
        """Passes the blocks on."""
        for block in blocks:
            self._add(block)
            yield block

    def means(self) -> tuple[float | None, ...]:
        """Per class the mean probability (0 to 1) over the voxels where it wins.

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
            best = logits.index_select(0, places).float().softmax(1).amax(1)
            self._total += np.bincount(winners[bone], best.cpu().double().numpy(), minlength=heads)
            self._count += np.bincount(winners[bone], minlength=heads)
