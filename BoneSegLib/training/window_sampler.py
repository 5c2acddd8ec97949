"""Training examples from prepared cases of any data: windows, turned, resized, mirrored where names allow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from BoneSegLib.inference.resample import ANISOTROPY_THRESHOLD
from BoneSegLib.sides import Mirroring
from BoneSegLib.training.augmentation import read_box, window_points
from BoneSegLib.training.cases import label_points
from BoneSegLib.training.coarse_names import CoarseErrors, coarse_names, one_hot_names
from BoneSegLib.training.intensity_augmentation import change_appearance
from BoneSegLib.training.planning.network_plan import NetworkPlan
from BoneSegLib.training.prepared import open_answer, open_prepared
from BoneSegLib.training.synthesis.deformation import rotation_matrix

_ERRORS_AT_MM = 6.0
"""The spacing of the coarse stage for which `CoarseErrors` were measured."""


@dataclass(frozen=True, kw_only=True)
class WindowOptions:
    """``drawn_share`` of the windows lies around something drawn (nnU-Net: one of a batch of two). Cases are turned to
    LPS, so rotations are small: ``rotation`` degrees at most; ``size``: from, to. Both happen with ``pose_probability``
    each. ``answered_share`` of the windows of a cascaded network show what the network before did say of the case,
    where that is known, the others what it might have said. ``augment``: off for validation, where all are answered."""

    drawn_share: float = 0.5
    rotation: float = 15.0
    size: tuple[float, float] = (0.75, 1.35)
    pose_probability: float = 0.25
    answered_share: float = 0.5
    augment: bool = True


class PreparedWindows:
    """A `Sampler` over prepared cases of one network."""

    def __init__(
        self,
        plan: NetworkPlan,
        *,
        labels: int,
        mirroring: Mirroring,
        coarser: NetworkPlan | None = None,
        options: WindowOptions | None = None,
    ) -> None:
        """``coarser``: the stage before, whose labels a cascaded network gets as input."""
        self._plan, self._classes, self._mirroring = plan, labels + 1, mirroring
        self._options = options or WindowOptions()
        self._coarser = coarser
        self._spacing = np.array(plan.spacing)

    def __call__(self, cases: Sequence[Path], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = [self._draw(case, rng) for case in cases]
        return torch.stack([inputs for inputs, _ in drawn]), torch.stack([labels for _, labels in drawn])

    def _draw(self, case: Path, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        image, drawn = open_prepared(case)
        points = window_points(self._plan.patch, self._pose(rng), self._center(case, drawn.shape, rng))
        window = read_box(image, points, outside=self._plan.outside)
        labels = read_box(drawn, points, outside=0, nearest=True).long()
        names = self._names(case, drawn, points, rng) if self._coarser else None
        if self._options.augment:
            window = change_appearance(window, rng)
            window, labels, names = self._mirrored(window, labels, names, rng)
        channels = [window[None]] if names is None else [window[None], one_hot_names(names, self._classes)]
        return torch.cat(channels), labels

    def _center(self, case: Path, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
        """The middle of a window that lies within the image as far as it can."""
        patch, size = np.array(self._plan.patch), np.array(shape)
        points = label_points(case)
        room = np.maximum(size - patch, 0)
        if points and rng.random() < self._options.drawn_share:
            of_label = points[list(points)[rng.integers(len(points))]]
            start = np.clip(of_label[rng.integers(len(of_label))] - patch // 2, 0, room)
        else:
            start = rng.integers(0, room + 1)
        start = np.where(size < patch, -((patch - size) // 2), start)
        return start + (patch - 1) / 2

    def _pose(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """(3, 3) from window offsets to case offsets in voxels; turned and resized in mm."""
        options, angles, size = self._options, np.zeros(3), 1.0
        if not options.augment:
            return np.eye(3)
        if rng.random() < options.pose_probability:
            angles = rng.uniform(-options.rotation, options.rotation, 3)
            if self._spacing.max() / self._spacing.min() > ANISOTROPY_THRESHOLD:
                # Between thick slices there is nothing to read: turn within them only.
                angles = np.where(np.arange(3) == self._spacing.argmax(), angles, 0.0)
        if rng.random() < options.pose_probability:
            size = float(np.exp(rng.uniform(*np.log(options.size))))
        return rotation_matrix(angles) * size * self._spacing / self._spacing[:, None]

    def _names(
        self, case: Path, drawn: NDArray[np.uint8], points: torch.Tensor, rng: np.random.Generator
    ) -> torch.Tensor:
        assert self._coarser is not None
        answer = open_answer(case)
        if answer is not None and (not self._options.augment or rng.random() < self._options.answered_share):
            return read_box(answer, points, outside=0, nearest=True).long()
        fine, coarse = (float(np.prod(plan.spacing) ** (1 / 3)) for plan in (self._plan, self._coarser))
        scale = coarse / _ERRORS_AT_MM
        errors = CoarseErrors()
        errors = replace(
            errors, displacement_mm=errors.displacement_mm * scale, slip_mm=(2.0 * scale, 2.0 * scale, 2.0 * scale)
        )
        return coarse_names(drawn, points, classes=self._classes, spacing=fine, errors=errors,
                            factor=max(1, round(coarse / fine)), rng=rng)  # fmt: skip

    def _mirrored(
        self, window: torch.Tensor, labels: torch.Tensor, names: torch.Tensor | None, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        table = torch.tensor(self._mirroring.table)
        for axis in self._mirroring.axes:
            if rng.random() < 0.5:
                window, labels = window.flip(axis), table[labels.flip(axis)]
                names = table[names.flip(axis)] if names is not None else None
        return window, labels, names
