"""Training examples from cases: the whole field of view at low resolution, or a window at full resolution."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from BoneSegLib.training.anatomy_augmentation import change_anatomy, change_marrow, fill_canal, slide_organs
from BoneSegLib.training.augmentation import (
    AIR_HU,
    PoseOptions,
    change_intensity,
    lumpy,
    normalize,
    random_pose,
    read_box,
    window_points,
)
from BoneSegLib.training.cases import Case, label_points, open_case
from BoneSegLib.training.coarse_names import CoarseErrors, coarse_names, one_hot_names
from BoneSegLib.training.mistaken_names import take_contrast_for_bone
from BoneSegLib.training.predicted_names import read_names, votes_path
from BoneSegLib.training.stage import LOWRES, StagePlan, Triple
from BoneSegLib.training.synthesis.surroundings import BODY_HU, add_table
from BoneSegLib.training.synthesis.tissue import CLASS_COUNT, OTHER_BONE, mirrored_labels

_SPINE = (3, 6, 7, 8, 9, 10)
"""Sacrum and vertebrae: their processes are what is learnt last, so they are drawn more often."""

_NARROW_MM = ((90.0, 85.0, 90.0), (360.0, 220.0, 260.0))
"""The least and the largest size (k, j, i) of a narrow field of view, in mm."""

_NARROW_ELSEWHERE = 0.5
"""Share of narrow fields around a bone that is none of the ten, where there is one: a network that saw ours in all of
them named a neck's and a chest's bones after them."""

_TABLE_SHARE = 0.3
"""Share of whole fields that get one more table: rails of a table are as bright as bone, and were called a hip."""

_SLIDE_SHARE = 0.5
"""Share of whole fields with organs at another height beside the bones."""

_ENDING_SHARE = 0.25
"""Share of whole fields that end within a bone, above or below."""

_LUMP_MM = 4.0
"""How far a surface may move, in mm: two voxels of the fine stage."""


class Sampler(Protocol):
    """Draws one example of each case: input (batch, channels, k, j, i) float32, labels (batch, k, j, i) int64."""

    def __call__(self, cases: Sequence[Path], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]: ...


class WholeFieldSampler:
    """For a coarse stage: everything in one window, turned, resized, cut anywhere, padded with air.

    Most examples show the whole case: cases are cut already, and names are learnt from neighbours in view.
    Values are read between voxels without smoothing, as nnU-Net's resampling does when it takes voxels away.
    """

    def __init__(
        self,
        plan: StagePlan,
        *,
        case_spacing: float,
        smaller: Triple | None = None,
        smaller_share: float = 0.8,
        narrow_share: float = 0.4,
    ) -> None:
        """``smaller``: a cheaper window that most steps use, since few patients fill the whole one. ``narrow_share`` of
        the examples show some bones alone, as pictures of a spine or of one hip do."""
        self._plan, self._narrow_share = plan, narrow_share
        self._case_spacing = case_spacing
        self._smaller, self._smaller_share = smaller, smaller_share
        self._step = plan.spacing / case_spacing
        self._pose = PoseOptions(rotation=(7, 6, 8), log_size=0.11, log_axis_size=0.08)

    def __call__(self, cases: Sequence[Path], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        patch = self._window(rng)
        return _batch([self._draw(case, patch, rng) for case in cases])

    def _window(self, rng: np.random.Generator) -> Triple:
        """Mostly the smaller window, at times shorter or whole: how much air there is must not matter."""
        if self._smaller is None or rng.random() > self._smaller_share:
            return self._plan.patch
        k, j, i = self._smaller
        return (k - 16, j, i) if k > 48 and rng.random() < 0.2 else (k, j, i)

    def _draw(self, case: Path, patch: Triple, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        opened = open_case(case)
        size = np.array(opened.ct.shape)
        narrow = rng.random() < self._narrow_share
        if narrow:
            center, field = self._narrow_field(case, size, rng)
        else:
            center = (size - 1) / 2 + (rng.uniform(-0.25, 0.25, 3) * size if rng.random() < 0.2 else 0)
        points = window_points(patch, random_pose(self._pose, rng) * self._step, center)
        labels = read_box(opened.labels, points, outside=0, nearest=True).long()
        if rng.random() < _SLIDE_SHARE:
            points = slide_organs(points, labels, rng, spacing=self._plan.spacing, case_spacing=self._case_spacing,
                                  case_levels=len(opened.ct))  # fmt: skip
        ct = read_box(opened.ct, points, outside=AIR_HU)
        if rng.random() < _TABLE_SHARE:
            add_table(ct.numpy(), (ct > BODY_HU).numpy(), spacing=self._plan.spacing, rng=rng)
        if narrow:
            _keep_middle(ct, labels, field / self._step)
        elif rng.random() < _ENDING_SHARE:
            _end_within_bone(ct, labels, rng)
        elif rng.random() < 0.2:
            _cut(ct, labels, rng)
        if rng.random() < 0.35:  # shell and marrow share a voxel of this size, or the shell has one of its own
            ct = change_marrow(ct, labels, rng, shell=int(rng.integers(0, 2)))
        if rng.random() < 0.12:
            ct = fill_canal(ct, labels, rng, spacing=self._plan.spacing)
        ct = change_intensity(ct, rng)
        ct, labels = _mirror(ct, labels, rng)
        return normalize(ct, self._plan.intensity)[None], labels

    def _narrow_field(
        self, case: Path, size: NDArray[np.int_], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middle and size, in voxels of the case, of a box around one of its bones; within the case."""
        points = dict(label_points(case))
        other = points.pop(OTHER_BONE, None)
        bones = list(points.values())
        if other is not None and (not bones or rng.random() < _NARROW_ELSEWHERE):
            bones = [other]
        aim = size * rng.random(3)
        if bones:
            bone = bones[rng.integers(len(bones))]
            aim = bone[rng.integers(len(bone))] + rng.normal(0, 25, 3) / self._case_spacing
        half = np.exp(rng.uniform(*np.log(_NARROW_MM))) / self._case_spacing / 2
        low, high = np.clip(aim - half, 0, size - 1), np.clip(aim + half, 0, size - 1)
        return (low + high) / 2, high - low + 1


class WindowSampler:
    """For the fine stage: a window around a bone, with names as a coarse stage gives them."""

    def __init__(
        self,
        plan: StagePlan,
        *,
        case_spacing: float,
        patch: Triple | None = None,
        predicted_share: float = 0.35,
        mistaken_share: float = 0.6,
    ) -> None:
        """``predicted_share`` of the names is a coarse network's answer, where it was asked; in ``mistaken_share`` of
        all, contrast medium bears the name of a bone, where there is any."""
        self._predicted_share, self._mistaken_share = predicted_share, mistaken_share
        self._plan = plan
        self._case_spacing = case_spacing
        self._step = plan.spacing / case_spacing
        self._patch = patch or plan.patch
        self._pose = PoseOptions()
        self._errors = CoarseErrors()
        self._factor = max(1, round(LOWRES.spacing / plan.spacing))

    def __call__(self, cases: Sequence[Path], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return _batch([self._draw(case, rng) for case in cases])

    def _draw(self, case: Path, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        opened = open_case(case)
        pose = random_pose(self._pose, rng) * self._step
        points = window_points(self._patch, pose, self._center(opened, case, rng))
        names = self._names(opened, case, points, rng)
        if rng.random() < 0.7:
            points = lumpy(points, rng, largest=_LUMP_MM / self._case_spacing)
        ct = read_box(opened.ct, points, outside=AIR_HU)
        labels = read_box(opened.labels, points, outside=0, nearest=True).long()
        ct = change_anatomy(ct, labels, rng, spacing=self._plan.spacing)
        if rng.random() < self._mistaken_share:
            names = take_contrast_for_bone(names, ct, labels, rng, spacing=self._plan.spacing, factor=self._factor)
        ct = change_intensity(ct, rng)
        if rng.random() < 0.5:
            table = torch.from_numpy(mirrored_labels()).long()
            ct, labels, names = ct.flip(2), table[labels.flip(2)], table[names.flip(2)]
        ct = normalize(ct, self._plan.intensity)[None]
        return torch.cat([ct, one_hot_names(names, CLASS_COUNT)]), labels

    def _names(self, opened: Case, case: Path, points: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """At times what the coarse network said, where it was asked (`predicted_names`): names at discs err less."""
        votes = votes_path(case)
        if rng.random() < self._predicted_share and votes.exists():
            return read_names(np.load(votes, mmap_mode="r"), points, step=LOWRES.spacing / self._case_spacing)
        return coarse_names(opened.labels, points, classes=CLASS_COUNT, spacing=self._case_spacing,
                            errors=self._errors, factor=self._factor, rng=rng)  # fmt: skip

    def _center(self, opened: Case, case: Path, rng: np.random.Generator) -> NDArray[np.float64]:
        points = label_points(case)
        if not points or rng.random() < 0.1:
            return rng.uniform(0, 1, 3) * opened.ct.shape
        labels = np.array(sorted(points))
        weights = np.where(labels == OTHER_BONE, 0.5, np.where(np.isin(labels, _SPINE), 1.6, 0.9))
        chosen = points[int(rng.choice(labels, p=weights / weights.sum()))]
        return chosen[rng.integers(len(chosen))].astype(float) + rng.uniform(-0.3, 0.3, 3) * self._patch * self._step


def _batch(examples: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.stack([ct for ct, _ in examples]), torch.stack([labels for _, labels in examples])


def _mirror(ct: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Left and right swapped half of the time, names too."""
    if rng.random() < 0.5:
        return ct, labels
    return ct.flip(2), torch.from_numpy(mirrored_labels()).long()[labels.flip(2)]


def _keep_middle(ct: torch.Tensor, labels: torch.Tensor, size: NDArray[np.float64]) -> None:
    """Air around the middle ``size`` voxels."""
    for axis, length in enumerate(size):
        away = np.abs(np.arange(ct.shape[axis]) - (ct.shape[axis] - 1) / 2)
        outside = [slice(None)] * axis + [torch.from_numpy(away > length / 2)]
        ct[tuple(outside)] = AIR_HU
        labels[tuple(outside)] = 0


def _end_within_bone(ct: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator) -> None:
    """Air above or below a plane through one of the ten bones: what is left of it at a scan's end has a name too."""
    bones = np.setdiff1d(labels.unique().numpy(), (0, OTHER_BONE))
    if not len(bones):
        return
    levels = (labels == int(rng.choice(bones))).any(2).any(1).nonzero()[:, 0]
    level = int(levels[rng.integers(len(levels))])
    away = slice(0, level) if rng.random() < 0.5 else slice(level + 1, None)
    ct[away] = AIR_HU
    labels[away] = 0


def _cut(ct: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator) -> None:
    """Air from a random plane on: scans end anywhere."""
    for axis in rng.choice(3, size=rng.integers(1, 3), replace=False):
        depth = int(rng.integers(0, int(ct.shape[axis] * 0.3)))
        where = [slice(None)] * 3
        where[axis] = slice(0, depth) if rng.random() < 0.5 else slice(ct.shape[axis] - depth, None)
        ct[tuple(where)] = AIR_HU
        labels[tuple(where)] = 0
