"""A small network that sees discs on a straightened spine.

A disc is dark between two end plates; so is the fatty middle of a body where slices are thick, and contrast medium in
the canal or gas in a disc change the picture again. What a rule could not tell apart, a network learns from synthetic
spines (`BoneSegLib.training.discs`). Its weights lie in `Resources/Spine`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from BoneSegLib.errors import ModelError
from BoneSegLib.resources import resources_folder
from BoneSegLib.spine.picture import AHEAD_MM

_DILATIONS = (1, 2, 4, 8, 12)
"""In mm of the axis, of kernels of five: in all two vertebrae to either side."""
_CERTAIN = 4.0
"""Logits beyond this are as good as certain."""


class DiscNetwork(torch.nn.Module):
    """(batch, n, ahead) normalised HU -> (batch, n) logits: is this mm of the axis in the middle of a disc?"""

    def __init__(self, features: int = 16, channels: int = 32) -> None:
        super().__init__()
        self.near = torch.nn.Conv2d(1, features, (5, 3), padding=(2, 1))
        self.form = torch.nn.Conv2d(features, features, (5, 3), padding=(2, 1))
        self.level = torch.nn.Conv2d(features, channels, (1, len(AHEAD_MM)))
        self.along = torch.nn.ModuleList(
            torch.nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation) for dilation in _DILATIONS
        )
        self.answer = torch.nn.Conv1d(channels, 1, 1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        seen = pictures[:, None]
        for layer in (self.near, self.form, self.level):
            seen = functional.leaky_relu(layer(seen), 0.1)
        line = seen[..., 0]
        for farther in self.along:
            line = line + functional.leaky_relu(farther(line), 0.1)
        return torch.as_tensor(self.answer(line)[:, 0])


def normalized(hu: NDArray) -> NDArray[np.float32]:
    """HU as the network takes them."""
    return ((hu - 150.0) / 250.0).astype(np.float32)


def disc_evidence(picture: NDArray[np.float32]) -> NDArray[np.float64]:
    """How much each mm of a straightened spine (n, ahead, aside; HU) looks like the middle of a disc: -1 to 1."""
    seen = normalized(picture[:, :, 1:-1].mean(2))
    with torch.inference_mode():
        logits = _bundled_network()(torch.from_numpy(seen)[None])[0]
    return np.clip(logits.numpy().astype(np.float64) / _CERTAIN, -1, 1)


def write_weights(weights: dict[str, torch.Tensor], path: Path) -> None:
    """In half precision, one array a parameter."""
    arrays: dict[str, Any] = {name: value.numpy().astype(np.float16) for name, value in weights.items()}
    np.savez_compressed(path, **arrays)


def read_network(path: Path) -> DiscNetwork:
    """Raises `ModelError` if the file is not what `write_weights` wrote."""
    network = DiscNetwork()
    try:
        with np.load(path, allow_pickle=False) as file:
            weights = {name: torch.from_numpy(file[name].astype(np.float32)) for name in file.files}
        network.load_state_dict(weights)
    except (OSError, ValueError, RuntimeError, BadZipFile) as error:
        raise ModelError(
            "The network that sees discs cannot be read.",
            cause=f"'{path.name}': {error}",
            remedy="Install BoneSeg again.",
        ) from error
    return network.eval()


@cache
def _bundled_network() -> DiscNetwork:
    return read_network(resources_folder() / "Spine" / "discs.npz")
