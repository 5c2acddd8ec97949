"""A trained network given more features: the same answers at first, and more to learn with."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from BoneSegLib.errors import ModelError
from BoneSegLib.inference.network import PlainConvUNet
from BoneSegLib.models.architecture import Architecture
from BoneSegLib.models.network import build_network, load_weights
from BoneSegLib.training.export import plain_conv_unet_weights
from BoneSegLib.training.widen import widen

NARROW = Architecture(
    features=(4, 6, 8), kernels=((1, 3, 3), (3, 3, 3), (3, 3, 3)), strides=((1, 1, 1), (1, 2, 2), (2, 2, 2))
)
CHANNELS, HEADS = 3, 4


@pytest.fixture
def weights():
    torch.manual_seed(0)
    network = build_network(NARROW, in_channels=CHANNELS, heads=HEADS)
    with torch.no_grad():
        for value in network.parameters():
            value += 0.2 * torch.randn(value.shape)  # no channel is like another, no bias nothing
    return plain_conv_unet_weights(NARROW, network.state_dict(), half=False)


def _answer(architecture, weights, image):
    return PlainConvUNet(architecture, weights, in_channels=CHANNELS, heads=HEADS)(image)


@pytest.mark.parametrize("features", [(8, 12, 16), (5, 6, 8), (4, 6, 21), (4, 6, 8)])
def test_a_wider_network_says_what_the_narrow_one_said(weights, features):
    wider = replace(NARROW, features=features)
    image = torch.randn(1, CHANNELS, 8, 16, 16)
    said = _answer(NARROW, weights, image)
    again = _answer(wider, widen(weights, NARROW, wider, in_channels=CHANNELS), image)
    torch.testing.assert_close(again, said, rtol=1e-3, atol=1e-3 * float(said.abs().max()))


def test_copies_of_a_channel_go_different_ways_from_the_first_step_on(weights):
    wider = replace(NARROW, features=(8, 12, 16))
    network = build_network(wider, in_channels=CHANNELS, heads=HEADS)
    load_weights(network, widen(weights, NARROW, wider, in_channels=CHANNELS), wider)
    first = network.get_parameter("input_block.conv1.conv.weight")
    assert torch.equal(first[:4], first[4:])
    network(torch.randn(1, CHANNELS, 8, 16, 16)).square().mean().backward()
    torch.optim.AdamW(network.parameters(), lr=1e-2).step()
    assert all(not torch.allclose(first[channel], first[channel + 4]) for channel in range(4))


@pytest.mark.parametrize(
    "other",
    [
        replace(NARROW, features=(4, 6, 7)),
        replace(NARROW, kernels=((3, 3, 3),) * 3),
        replace(NARROW, strides=((1, 1, 1), (2, 2, 2), (2, 2, 2))),
        Architecture(features=(4, 6, 8, 8), kernels=((3, 3, 3),) * 4, strides=((1, 1, 1), *((2, 2, 2),) * 3)),
    ],
    ids=["fewer features", "other kernels", "other strides", "another level"],
)
def test_a_network_that_differs_in_more_than_features_is_refused(weights, other):
    with pytest.raises(ModelError, match="4-6-8"):
        widen(weights, NARROW, other, in_channels=CHANNELS)
