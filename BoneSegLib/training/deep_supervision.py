"""Deep supervision: every level of the decoder answers too while training, and is told how wrong it is.

As in nnU-Net (Isensee et al. 2021). The coarse levels see the whole patient in a few voxels and learn the names first;
the gradient need not find its way to them from the finest level.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from BoneSegLib.training.loss import dice_and_cross_entropy


class DeepSupervision(torch.nn.Module):
    """A DynUNet with a head on each level of its decoder. Its output: logits from the finest level to the coarsest."""

    def __init__(self, network: Any, *, features: Sequence[int], classes: int) -> None:
        super().__init__()
        self.network = network
        self.heads = torch.nn.ModuleList(torch.nn.Conv3d(count, classes, 1) for count in reversed(features[1:-1]))
        self._tapped: list[torch.Tensor] = []
        for level in list(network.upsamples)[:-1]:
            level.register_forward_hook(lambda _module, _inputs, output: self._tapped.append(output))

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """(batch, channels, k, j, i) -> logits (batch, classes, ...) of each level, finest first."""
        self._tapped.clear()
        finest = self.network(images)
        coarser = [head(tapped) for head, tapped in zip(self.heads, self._tapped, strict=True)]
        self._tapped.clear()
        return [finest, *reversed(coarser)]


def supervised_loss(
    outputs: Sequence[torch.Tensor], labels: torch.Tensor, *, background_weight: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(loss of all levels, Dice loss and cross-entropy of the finest). A level counts half as much as the finer one."""
    dice, cross_entropy = dice_and_cross_entropy(outputs[0], labels, background_weight=background_weight)
    total, weights = dice + cross_entropy, 1.0
    for level, logits in enumerate(outputs[1:], start=1):
        k, j, i = (fine // size for fine, size in zip(labels.shape[1:], logits.shape[2:], strict=True))
        coarse = labels[:, k // 2 :: k, j // 2 :: j, i // 2 :: i]
        coarse_dice, coarse_entropy = dice_and_cross_entropy(logits, coarse, background_weight=background_weight)
        total = total + 0.5**level * (coarse_dice + coarse_entropy)
        weights += 0.5**level
    return total / weights, dice.detach(), cross_entropy.detach()
