"""The shape of a network, as plans.json spells it out; only nnU-Net's PlainConvUNet is supported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from BoneSegLib.errors import ModelError
from BoneSegLib.models.jsonfile import Fields

Triple = tuple[int, int, int]

# A network beyond these is not one that somebody trained: a folder that asks for it is broken or hostile.
_MAX_STAGES = 9
_MAX_FEATURES = 1024


@dataclass(frozen=True)
class Architecture:
    """A PlainConvUNet: ``features``, ``kernels`` and ``strides`` per stage, from the finest to the coarsest."""

    features: tuple[int, ...]
    kernels: tuple[Triple, ...]
    strides: tuple[Triple, ...]
    norm_eps: float = 1e-5
    negative_slope: float = 0.01

    @property
    def divisor(self) -> Triple:
        """Every window's size must be a multiple of this."""
        sizes = [1, 1, 1]
        for stride in self.strides:
            sizes = [size * step for size, step in zip(sizes, stride, strict=True)]
        return (sizes[0], sizes[1], sizes[2])


def parse_architecture(name: str, fields: Fields) -> Architecture:
    if "architecture" in fields:
        return _parse_architecture_object(name, Fields(fields.object("architecture"), f"plans.json, '{name}'"))
    # Plans written before nnU-Net v2.3 spell the network out in the configuration itself.
    _require_plain_unet(name, fields.text("UNet_class_name"))
    kernels, strides = fields.triples("conv_kernel_sizes"), fields.triples("pool_op_kernel_sizes")
    base, most = int(fields.number("UNet_base_num_features")), int(fields.number("unet_max_num_features"))
    _require_two_convolutions(
        name, [*fields.values("n_conv_per_stage_encoder"), *fields.values("n_conv_per_stage_decoder")]
    )
    features = tuple(min(base * 2**stage, most) for stage in range(min(len(strides), _MAX_STAGES + 1)))
    return _checked_architecture(name, Architecture(features, kernels, strides))


def _parse_architecture_object(name: str, fields: Fields) -> Architecture:
    _require_plain_unet(name, fields.text("network_class_name"))
    options = Fields(fields.object("arch_kwargs"), f"plans.json, architecture of '{name}'")
    counts = [options.raw("n_conv_per_stage"), options.raw("n_conv_per_stage_decoder")]
    _require_two_convolutions(name, [n for count in counts for n in (count if isinstance(count, list) else [count])])
    for key, expected in (
        ("conv_op", "torch.nn.modules.conv.Conv3d"),
        ("norm_op", "torch.nn.modules.instancenorm.InstanceNorm3d"),
        ("dropout_op", None),
        ("nonlin", "torch.nn.LeakyReLU"),
    ):
        if options.raw(key, expected) not in (
            expected,
            str(expected).replace("torch.nn.Leaky", "torch.nn.modules.activation.Leaky"),
        ):
            raise ModelError(
                f"The model's configuration '{name}' uses {key} = {options.raw(key)!r}, which is not supported."
            )
    norm = Fields(options.object("norm_op_kwargs", {}), f"plans.json, normalisation layers of '{name}'")
    slope = Fields(options.object("nonlin_kwargs", {}), f"plans.json, activations of '{name}'")
    if norm.raw("affine", False) is not True or options.raw("nonlin_first", False):
        raise ModelError(f"The model's configuration '{name}' orders or parametrises its layers in an unsupported way.")
    architecture = Architecture(
        features=options.integers("features_per_stage"),
        kernels=options.triples("kernel_sizes"),
        strides=options.triples("strides"),
        norm_eps=norm.number("eps", 1e-5),
        negative_slope=slope.number("negative_slope", 0.01),
    )
    return _checked_architecture(name, architecture)


def _require_plain_unet(name: str, class_name: str) -> None:
    short = class_name.rsplit(".", 1)[-1]
    if short != "PlainConvUNet":
        raise ModelError(
            f"The model's network '{short}' (configuration '{name}') is not supported.",
            remedy="Use a model trained with nnU-Net's PlainConvUNet (the plans 'nnUNetPlans').",
        )


def _require_two_convolutions(name: str, counts: list[Any]) -> None:
    if any(count != 2 for count in counts):
        raise ModelError(
            f"The model's configuration '{name}' is not supported.",
            cause="It does not have two convolutions per stage, as nnU-Net's default plans do.",
        )


def _checked_architecture(name: str, architecture: Architecture) -> Architecture:
    stages = len(architecture.features)
    sizes = [size for triple in (*architecture.kernels, *architecture.strides) for size in triple]
    if not 3 <= stages <= _MAX_STAGES or {len(architecture.kernels), len(architecture.strides)} != {stages}:
        raise ModelError(f"The model's configuration '{name}' has an unsupported number of stages.")
    if not all(1 <= n <= _MAX_FEATURES for n in architecture.features) or not all(1 <= size <= 7 for size in sizes):
        raise ModelError(f"The model's configuration '{name}' asks for a network of an impossible size.")
    if any(size % 2 == 0 for kernel in architecture.kernels for size in kernel):
        raise ModelError(f"The model's configuration '{name}' has kernels of even size.")
    return architecture
