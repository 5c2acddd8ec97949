"""Transfer learning: what another network learnt, as far as it fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from BoneSegLib.errors import ModelError
from BoneSegLib.models.architecture import Architecture
from BoneSegLib.models.checkpoint import load_checkpoint
from BoneSegLib.models.model import Stage
from BoneSegLib.models.network import build_network, load_weights
from BoneSegLib.training.widen import widen

_FIRST = "input_block.conv1.conv.weight"
_HEAD = "output_block.conv.conv."
_FAINTER = 2.0


@dataclass(frozen=True)
class Transferred:
    """How many of the network's parameters came from the other one, and which of its labels kept their output."""

    copied: int
    total: int
    labels: tuple[str, ...]


def trained_network(stage: Stage, *, wider: Architecture | None = None) -> torch.nn.Module:
    """The first fold of a model's stage as a network to train on, with the features of ``wider`` (`widen`) or as it is.

    Raises `ModelError`.
    """
    architecture = stage.configuration.architecture
    weights = load_checkpoint(stage.checkpoint(stage.folds[0])).weights
    if wider is not None and wider != architecture:
        weights = widen(weights, architecture, wider, in_channels=stage.in_channels)
        architecture = wider
    network: torch.nn.Module = build_network(architecture, in_channels=stage.in_channels, heads=stage.dataset.heads)
    load_weights(network, weights, architecture)
    return network


def transfer(
    network: Any,
    weights: Mapping[str, torch.Tensor],
    *,
    labels: Sequence[str],
    labels_before: Sequence[str],
) -> Transferred:
    """Puts ``weights`` (a DynUNet's state) into ``network`` wherever name and shape agree.

    The head keeps the outputs of the background and of labels of the same name. A new label starts as a fainter
    background, which it was so far; a random output could drown all others. The input channels of a cascaded network,
    one per label, are taken over by name too. Raises `ModelError` when nothing fits.
    """
    same = {labels.index(name): labels_before.index(name) for name in labels if name in labels_before}
    # The background, or the image, comes first; then one output, or input, per label.
    pairs = {0: 0, **{ours + 1: theirs + 1 for ours, theirs in same.items()}}
    copied = total = 0
    with torch.no_grad():
        for name, own in network.named_parameters():
            total += own.numel()
            other = weights.get(name)
            if other is None:
                continue
            if name.startswith(_HEAD) and own.shape[1:] == other.shape[1:]:
                own.copy_(other[:1].expand_as(own))
                if name.endswith("bias"):
                    own[1:] -= _FAINTER
            if name.startswith(_HEAD) or name == _FIRST:
                copied += _copy_parts(own, other, pairs, axis=1 if name == _FIRST else 0)
            elif own.shape == other.shape:
                own.copy_(other)
                copied += own.numel()
    if copied < total // 2:
        raise ModelError(
            "The model to start from has another network.",
            cause=f"Only {copied} of {total} parameters fit.",
            remedy="Leave --features, --window and --stages out: the plans are then those of the model.",
        )
    return Transferred(copied, total, tuple(labels[index] for index in sorted(same)))


def _copy_parts(own: torch.Tensor, other: torch.Tensor, pairs: Mapping[int, int], *, axis: int) -> int:
    """Copies slices along ``axis``, own index -> other index, if all other axes agree."""
    rest = [size for along, size in enumerate(own.shape) if along != axis]
    if rest != [size for along, size in enumerate(other.shape) if along != axis]:
        return 0
    copied = 0
    for ours, theirs in pairs.items():
        if ours < own.shape[axis] and theirs < other.shape[axis]:
            own.select(axis, ours).copy_(other.select(axis, theirs))
            copied += own.select(axis, ours).numel()
    return copied
