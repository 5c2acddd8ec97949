"""More features for a trained network, which says the same at first (Net2WiderNet, Chen et al. 2016, arXiv:1511.05641).

A level's new channels are copies of its old ones. Whoever reads a channel reads its copies with weights that add up to
the old one, shared out at random: so the answer stays, and what each copy learns from then on differs.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from BoneSegLib.errors import ModelError
from BoneSegLib.models.architecture import Architecture

_UNEVEN = 0.5
"""Standard deviation of a copy's share, of what each would have if all shared alike."""


def widen(
    weights: Mapping[str, torch.Tensor], before: Architecture, after: Architecture, *, in_channels: int, seed: int = 1
) -> dict[str, torch.Tensor]:
    """PlainConvUNet's ``weights`` (nnU-Net's names, float32) for a network ``after`` that only has more features.

    Raises `ModelError` where it differs in anything else, or has fewer.
    """
    if not only_wider(before, after):
        raise ModelError(
            f"A network of {_told(before)} features cannot become one of {_told(after)}.",
            cause="Only features can be added; levels, kernels and strides stay.",
        )
    generator = torch.Generator().manual_seed(seed)
    copied = [torch.arange(wide) % old for old, wide in zip(before.features, after.features, strict=True)]
    read = [torch.arange(in_channels), *copied]
    result: dict[str, torch.Tensor] = {}

    def block(name: str, reads: torch.Tensor, writes: torch.Tensor) -> None:
        for position, channels in enumerate((reads, writes)):
            layer = f"{name}.convs.{position}"
            result[f"{layer}.conv.weight"] = _shared(weights[f"{layer}.conv.weight"][writes], channels, 1, generator)
            for kind in ("weight", "bias"):
                result[f"{layer}.norm.{kind}"] = weights[f"{layer}.norm.{kind}"][writes]

    for level in range(len(copied)):
        block(f"encoder.stages.{level}.0", read[level], copied[level])
    for step, level in enumerate(reversed(range(len(copied) - 1))):
        upwards, own = f"decoder.transpconvs.{step}", copied[level]
        result[f"{upwards}.weight"] = _shared(weights[f"{upwards}.weight"][:, own], copied[level + 1], 0, generator)
        result[f"{upwards}.bias"] = weights[f"{upwards}.bias"][own]
        block(f"decoder.stages.{step}", torch.cat([own, own + before.features[level]]), own)
    head = f"decoder.seg_layers.{len(copied) - 2}"
    result[f"{head}.weight"] = _shared(weights[f"{head}.weight"], copied[0], 1, generator)
    result[f"{head}.bias"] = weights[f"{head}.bias"].clone()
    return result


def _shared(weight: torch.Tensor, copied: torch.Tensor, axis: int, generator: torch.Generator) -> torch.Tensor:
    """``weight`` read along ``axis`` from copies (``copied``: new channel -> old one), which share what it weighed."""
    wide = weight.float().movedim(axis, 0)[copied]
    count = torch.bincount(copied)[copied].float()
    uneven = torch.randn(wide.shape[:2], generator=generator) * _UNEVEN / count[:, None]
    mean = torch.zeros(int(copied.max()) + 1, wide.shape[1]).index_add_(0, copied, uneven / count[:, None])
    share = 1 / count[:, None] + (uneven - mean[copied])  # exactly 1 of the only one
    return (wide * share.reshape(*wide.shape[:2], *[1] * (wide.dim() - 2))).movedim(0, axis).contiguous()


def only_wider(before: Architecture, after: Architecture) -> bool:
    """Whether ``after`` is ``before``, or has more features and nothing else that differs."""
    same = (before.kernels, before.strides) == (after.kernels, after.strides)
    return same and all(wide >= old for old, wide in zip(before.features, after.features, strict=True))


def _told(architecture: Architecture) -> str:
    return "-".join(map(str, architecture.features))
