"""What a model folder holds, once it is read: stages, and what they segment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from BoneSegLib.anatomy import Structure
from BoneSegLib.models.dataset import Dataset
from BoneSegLib.models.plans import Configuration, Intensity, Plans

STEP = 0.5
"""Windows overlap by half, nnU-Net's default."""

SIDE_BY_SIDE = 1.0
"""Windows overlap no more than needed to be evenly apart."""

CHECKPOINT = "checkpoint_final.pth"


@dataclass(frozen=True, eq=False)
class Stage:
    """One network: its ``folder``, ``configuration`` and ``folds``; if ``is_cascaded``, it sees the previous labels."""

    folder: Path
    plans: Plans
    dataset: Dataset
    configuration: Configuration
    folds: tuple[str, ...]

    @property
    def is_cascaded(self) -> bool:
        return self.configuration.previous_stage is not None

    @property
    def in_channels(self) -> int:
        extra = len(self.dataset.labels) if self.is_cascaded else 0
        return len(self.dataset.channels) + extra

    @property
    def intensity(self) -> Intensity | None:
        return self.plans.intensities[0] if self.plans.intensities else None

    def checkpoint(self, fold: str) -> Path:
        return self.folder / f"fold_{fold}" / CHECKPOINT


@dataclass(frozen=True, eq=False)
class Model:
    """A model ready to be run.

    ``qualities``: the networks of each, in order; ``steps``: how many of their lengths apart windows of the last one
    start at most, where that is not `STEP`. ``structures``: what it can segment; ``network_labels``: structure id ->
    label value inside the network.
    ``canonical``: images are turned to LPS first (otherwise the network sees them as they are stored, as in nnU-Net).
    ``pads_with_air``: outside of the image is air (otherwise 0 after normalisation, as in nnU-Net).
    """

    name: str
    version: str
    folder: Path
    stages: dict[str, Stage]
    qualities: dict[str, tuple[str, ...]]
    steps: dict[str, float]
    structures: tuple[Structure, ...]
    network_labels: dict[str, int]
    canonical: bool
    pads_with_air: bool
    manifest: dict[str, Any] = field(default_factory=dict)

    def stages_of(self, quality: str) -> tuple[Stage, ...]:
        """The networks that run one after the other."""
        return tuple(self.stages[name] for name in self.qualities[quality])

    def step_of(self, quality: str) -> float:
        """How many of their lengths apart windows of the last network start at most."""
        return self.steps.get(quality, STEP)

    @property
    def dataset(self) -> Dataset:
        return next(iter(self.stages.values())).dataset
