"""The network of a model: MONAI's DynUNet holding the weights of nnU-Net's PlainConvUNet.

The two are the same function, once the decoder has PlainConvUNet's kernels (`BoneSegLib.models.dynunet`).
PlainConvUNet's convolutions carry a bias that the instance normalisation right behind them takes away again; DynUNet
has none, and they are dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from BoneSegLib.errors import MissingError, ModelError
from BoneSegLib.models.architecture import Architecture

if TYPE_CHECKING:
    import torch


def build_network(architecture: Architecture, *, in_channels: int, heads: int) -> Any:
    """An untrained DynUNet (a ``torch.nn.Module``): (batch, in_channels, k, j, i) -> (batch, heads, k, j, i) logits."""
    try:
        from BoneSegLib.models.dynunet import DynUNetOfNnunet
    except ImportError as error:
        raise MissingError(
            "The network cannot be built.",
            cause=f"MONAI is not installed or broken here ({error}).",
            remedy="Install it with: pip install monai",
        ) from error
    return DynUNetOfNnunet(
        spatial_dims=3,
        in_channels=in_channels,
        out_channels=heads,
        kernel_size=architecture.kernels,
        strides=architecture.strides,
        upsample_kernel_size=architecture.strides[1:],
        filters=architecture.features,
        norm_name=("INSTANCE", {"affine": True, "eps": architecture.norm_eps}),
        act_name=("leakyrelu", {"inplace": True, "negative_slope": architecture.negative_slope}),
        trans_bias=True,
    )


def parameter_names(architecture: Architecture) -> dict[str, str]:
    """DynUNet's parameter name -> PlainConvUNet's, for every parameter that both have."""
    stages = len(architecture.features)
    names: dict[str, str] = {}

    def pair_block(ours: str, theirs: str) -> None:
        for position in (0, 1):
            names[f"{ours}.conv{position + 1}.conv.weight"] = f"{theirs}.convs.{position}.conv.weight"
            for kind in ("weight", "bias"):
                names[f"{ours}.norm{position + 1}.{kind}"] = f"{theirs}.convs.{position}.norm.{kind}"

    for stage in range(stages):
        block = "input_block" if stage == 0 else "bottleneck" if stage == stages - 1 else f"downsamples.{stage - 1}"
        pair_block(block, f"encoder.stages.{stage}.0")
    for step in range(stages - 1):
        pair_block(f"upsamples.{step}.conv_block", f"decoder.stages.{step}")
        for kind in ("weight", "bias"):
            names[f"upsamples.{step}.transp_conv.conv.{kind}"] = f"decoder.transpconvs.{step}.{kind}"
    for kind in ("weight", "bias"):
        names[f"output_block.conv.conv.{kind}"] = f"decoder.seg_layers.{stages - 2}.{kind}"
    return names


def load_weights(network: Any, weights: dict[str, torch.Tensor], architecture: Architecture) -> None:
    """Puts PlainConvUNet's ``weights`` (any float type) into ``network``. Raises `ModelError` if they do not fit."""
    import torch

    own = dict(network.named_parameters())
    for ours, theirs in parameter_names(architecture).items():
        # torch.compile and data-parallel training put these in front of every name.
        value = weights.get(theirs, weights.get(f"_orig_mod.{theirs}", weights.get(f"module.{theirs}")))
        if value is None or value.shape != own[ours].shape:
            found = "is missing" if value is None else f"has shape {tuple(value.shape)}, not {tuple(own[ours].shape)}"
            raise ModelError("The weights do not fit the network of the plans.", cause=f"'{theirs}' {found}.")
        with torch.no_grad():
            own[ours].copy_(value)
        if not torch.isfinite(own[ours]).all():
            raise ModelError("The weights are damaged.", cause=f"'{theirs}' is not finite.")
