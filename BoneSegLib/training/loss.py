"""Dice plus cross-entropy, nnU-Net's loss."""

from __future__ import annotations

import torch
from torch.nn import functional


def dice_and_cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, *, background_weight: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """(Dice loss over the foreground classes that are present, cross-entropy).

    ``logits`` (batch, classes, k, j, i), ``labels`` (batch, k, j, i) int64. Classes that are absent from the batch but
    predicted are punished by the cross-entropy alone: their Dice is 0 whatever the network says. With the whole field
    of view in a window, bone is a hundredth of it: a ``background_weight`` below 1 gets names learnt sooner.
    """
    logits = logits.float()
    weights = torch.ones(logits.shape[1], device=logits.device)
    weights[0] = background_weight
    cross_entropy = functional.cross_entropy(logits, labels, weight=weights)
    axes = (0, 2, 3, 4)
    probabilities = logits.softmax(1)
    counts = torch.bincount(labels.flatten(), minlength=logits.shape[1]).float()
    hits = torch.zeros_like(counts).scatter_add(0, labels.flatten(), probabilities.gather(1, labels[:, None]).flatten())
    dice = (2 * hits + 1) / (probabilities.sum(axes) + counts + 1)
    present = counts > 0
    present[0] = False
    dice_loss = 1 - dice[present].mean() if present.any() else logits.sum() * 0
    return dice_loss, cross_entropy
