"""The network of inference against the network itself: PlainConvUNet of dynamic-network-architectures."""

from __future__ import annotations

import pytest
import torch

from BoneSegLib.errors import ModelError
from BoneSegLib.inference.network import PlainConvUNet, weight_shapes
from BoneSegLib.models.architecture import Architecture

unet = pytest.importorskip(
    "dynamic_network_architectures.architectures.unet", reason="nnU-Net's networks, the oracle, are not installed"
)

CUBES = Architecture((8, 16, 32), ((3, 3, 3),) * 3, ((1, 1, 1), (2, 2, 2), (2, 2, 2)))
FLAT = Architecture(
    (6, 12, 20, 20), ((1, 3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)), ((1, 1, 1), (1, 2, 2), (2, 2, 2), (1, 2, 2))
)


def trained(architecture: Architecture, *, in_channels: int, heads: int):
    """nnU-Net's own network with weights that are not those of a start, and these by name."""
    torch.manual_seed(1)
    levels = len(architecture.features)
    network = unet.PlainConvUNet(
        input_channels=in_channels,
        n_stages=levels,
        features_per_stage=architecture.features,
        conv_op=torch.nn.Conv3d,
        kernel_sizes=architecture.kernels,
        strides=architecture.strides,
        n_conv_per_stage=[2] * levels,
        num_classes=heads,
        n_conv_per_stage_decoder=[2] * (levels - 1),
        conv_bias=True,
        norm_op=torch.nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
    ).eval()
    for parameter in network.parameters():
        if parameter.dim() == 1:
            torch.nn.init.uniform_(parameter, -0.3, 0.6)
    return network, {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("architecture", [CUBES, FLAT])
@pytest.mark.parametrize("batch", [1, 2])
def test_the_logits_are_those_of_nnunets_network(architecture, batch):
    reference, weights = trained(architecture, in_channels=3, heads=4)
    network = PlainConvUNet(architecture, weights, in_channels=3, heads=4)
    windows = torch.randn(batch, 3, 16, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected, found = reference(windows), network(windows)
    assert expected.std() > 0.1, "logits that hardly vary would prove little"
    assert torch.allclose(found, expected, atol=1e-3)


def test_in_bf16_the_labels_are_nearly_the_same():
    _, weights = trained(CUBES, in_channels=1, heads=3)
    network = PlainConvUNet(CUBES, weights, in_channels=1, heads=3)
    window = torch.randn(1, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        exact = network(window)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = network(window)
    assert rough.dtype == torch.bfloat16
    assert (rough.argmax(1) == exact.argmax(1)).float().mean() > 0.97


def test_every_parameter_is_asked_for_but_the_biases_that_do_not_count():
    network, _ = trained(FLAT, in_channels=2, heads=5)
    parameters = {name: tuple(value.shape) for name, value in network.named_parameters()}
    asked = dict(weight_shapes(FLAT, in_channels=2, heads=5))
    assert asked.items() <= parameters.items()
    left_out = set(parameters) - set(asked)
    # The coarser levels have heads of their own, for training with deep supervision.
    assert all(name.endswith("conv.bias") or name.startswith("decoder.seg_layers.") for name in left_out)


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module."])
def test_names_of_compiled_and_parallel_networks_are_understood(prefix):
    _, weights = trained(CUBES, in_channels=1, heads=2)
    PlainConvUNet(CUBES, {prefix + name: value for name, value in weights.items()}, in_channels=1, heads=2)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda w: w.pop("encoder.stages.1.0.convs.0.conv.weight"), "do not fit"),
        (lambda w: w.update({"decoder.transpconvs.0.bias": torch.zeros(5)}), "do not fit"),
        (lambda w: w["encoder.stages.0.0.convs.0.norm.bias"].fill_(float("nan")), "damaged"),
    ],
)
def test_weights_that_are_missing_misshapen_or_not_finite_are_refused(spoil, message):
    _, weights = trained(CUBES, in_channels=1, heads=2)
    spoil(weights)
    with pytest.raises(ModelError, match=message):
        PlainConvUNet(CUBES, weights, in_channels=1, heads=2)
