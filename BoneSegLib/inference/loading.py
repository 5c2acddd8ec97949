"""Models and networks, loaded once per session and kept for the next volume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from BoneSegLib.errors import ModelError, UsageError
from BoneSegLib.inference.network import PlainConvUNet
from BoneSegLib.models.catalogue import open_model
from BoneSegLib.models.checkpoint import load_checkpoint
from BoneSegLib.models.integrity import verify_files
from BoneSegLib.models.model import Model, Stage


def load_model(folder: Path | None) -> Model:
    """A model (``None``: the bundled one), read and verified; again where its files have changed since."""
    return _read_model(folder, _newest_change(folder))


@lru_cache(maxsize=2)
def _read_model(folder: Path | None, _changed: int) -> Model:
    model = open_model(folder)
    verify_files(model)
    return model


def _newest_change(folder: Path | None) -> int:
    """When a file of a model folder was last written (ns): a worker may outlive a training into the same folder."""
    if folder is None:
        return 0
    patterns = ("*.json", "*/*.json", "fold_*/*.pth", "*/fold_*/*.pth")
    files = [path for pattern in patterns for path in Path(folder).glob(pattern)]
    return max((path.stat().st_mtime_ns for path in files if path.is_file()), default=0)


@dataclass(frozen=True, eq=False)
class LoadedStage:
    """One network per fold, on their device, and the axes that all of them may mirror."""

    networks: tuple[Callable[[torch.Tensor], torch.Tensor], ...]
    mirror_axes: tuple[int, ...]


@lru_cache(maxsize=4)
def load_stage(stage: Stage, folds: tuple[str, ...], device: torch.device) -> LoadedStage:
    """The stage's networks with their weights. Raises `ModelError`."""
    networks: list[PlainConvUNet] = []
    mirror_axes: set[int] = {0, 1, 2}
    for fold in folds:
        network, allowed = load_fold(stage, fold)
        networks.append(network.to(device))
        mirror_axes &= set(allowed)
    return LoadedStage(tuple(networks), tuple(sorted(mirror_axes)))


def load_fold(stage: Stage, fold: str) -> tuple[PlainConvUNet, tuple[int, ...]]:
    """One fold's network and the axes that it may mirror. Raises `ModelError`."""
    checkpoint = load_checkpoint(stage.checkpoint(fold))
    if checkpoint.configuration and checkpoint.configuration != stage.configuration.name:
        raise ModelError(
            f"The weights in '{stage.folder.name}' belong to another configuration.",
            cause=f"They say '{checkpoint.configuration}', the plans '{stage.configuration.name}'.",
        )
    architecture = stage.configuration.architecture
    heads = stage.dataset.heads
    network = PlainConvUNet(architecture, checkpoint.weights, in_channels=stage.in_channels, heads=heads)
    return network, checkpoint.mirror_axes


def choose_folds(stage: Stage, asked: tuple[str, ...] | None) -> tuple[str, ...]:
    """The folds to average; all that are there for ``None`` and ``("all",)``. Raises `UsageError` for an absent one."""
    if asked is None or asked == ("all",):
        return stage.folds
    missing = [fold for fold in asked if not stage.checkpoint(fold).is_file()]
    if missing:
        raise UsageError(f"The model has no fold {', '.join(missing)}.", remedy=f"It has: {', '.join(stage.folds)}.")
    return asked
