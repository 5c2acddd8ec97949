"""Dice on windows of held-out cases while a training goes on: nnU-Net's pseudo-Dice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BoneSegLib.inference.device import autocast
from BoneSegLib.training.sampling import Sampler

_SEED = 4711


class HeldOutWindows:
    """The same windows each time, so that the curve shows the network and not the draw."""

    def __init__(self, sampler: Sampler, cases: Sequence[Path], *, labels: Sequence[str], windows: int = 12) -> None:
        self._labels = labels
        rng = np.random.default_rng(_SEED)
        self._examples = []
        # Examples are drawn with torch's own generator too, and training must not notice.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_SEED)
            for number in range(windows):
                self._examples.append(sampler([cases[number % len(cases)]], rng))

    def dice(self, network: Any, *, device: torch.device, precision: str) -> dict[str, float]:
        """``dice`` (mean over labels) and the Dice of each label over all windows together; nan where it is absent."""
        classes = len(self._labels) + 1
        counts = torch.zeros(3, classes)
        was_training = network.training
        network.eval()
        with torch.inference_mode():
            for inputs, labels in self._examples:
                with autocast(device, precision):
                    logits = network(inputs.to(device))
                found = logits.argmax(1).cpu()
                counts[0] += torch.bincount(found[found == labels], minlength=classes)
                counts[1] += torch.bincount(found.flatten(), minlength=classes)
                counts[2] += torch.bincount(labels.flatten(), minlength=classes)
        network.train(was_training)
        each = (2 * counts[0] / (counts[1] + counts[2]))[1:]
        return {"dice": float(each.nanmean()), **dict(zip(self._labels, each.tolist(), strict=True))}
