"""One network of a model over one image: prepare, sliding window, logits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from BoneSegLib.inference.bones import knows_bones_alone
from BoneSegLib.inference.clock import Clock
from BoneSegLib.inference.device import autocast, free_on_device
from BoneSegLib.inference.loading import load_stage
from BoneSegLib.inference.looks import Look, mirrored_looks
from BoneSegLib.inference.memory import MemoryPlan, plan_stage, require_memory, windows_at_once
from BoneSegLib.inference.normalize import make_normalizer
from BoneSegLib.inference.resample import Shape, Spacing, axis_orders, resample_image, resampled_shape
from BoneSegLib.inference.restore import LogitsBlock
from BoneSegLib.inference.sliding_window import Slab, Window, all_windows, padding_to, predict_logits, windows_over
from BoneSegLib.memory import available_bytes
from BoneSegLib.models.model import STEP, Stage
from BoneSegLib.options import IsCancelled

AIR_HU = -1024.0
BODY_HU = -250.0
"""More than that is more than air: fat, water, bone."""
BONE_MARGIN_MM = 15.0
"""A finer network looks this far beyond the bones that the coarser one found."""

Pads = tuple[tuple[int, int], ...]
"""Voxels before and after, for each axis."""


@dataclass(frozen=True, eq=False)
class StageTask:
    """What a stage needs to know of the run.

    ``image``: kji array in the network's axes, ``spacing`` along them in mm. ``wanted``: network labels asked for.
    ``everywhere``: run all windows, not only those with a body in them or, after another stage, near the bones that it
    found. ``step``: windows start at most so many of their lengths apart.
    ``more_looks``: windows are also shown to the network in these ways.
    """

    stage: Stage
    image: np.ndarray
    spacing: Spacing
    folds: tuple[str, ...]
    wanted: tuple[int, ...]
    device: torch.device
    precision: str
    mirroring: bool
    pads_with_air: bool
    everywhere: bool
    step: float = STEP
    more_looks: tuple[Look, ...] = ()


def run_stage(
    task: StageTask,
    names: np.ndarray | None,
    *,
    clock: Clock,
    on_window: Callable[[int, int], None],
    is_cancelled: IsCancelled,
) -> Iterator[LogitsBlock]:
    """The stage's logits in blocks along the first axis, each valid until the next one is asked for.

    ``names``: the labels of the stage before (uint8, in the network's own values) on this stage's grid.
    """
    stage, configuration = task.stage, task.stage.configuration
    grid = stage_grid(task)
    pads = padding_to(grid, configuration.patch)
    image = _NetworkImage(task, grid, pads)
    if names is not None:
        names = np.pad(names, pads)
    if names is None:
        # To see where the body is takes the whole image.
        plan = _require_memory(task, image.padded, image.padded)
    windows = _choose_windows(task, image, names)
    if not windows:
        return
    corner, extent = _box_around(windows)
    if names is not None:
        plan = _require_memory(task, image.padded, extent, labels_are_there=True)
    voxels = image.part(corner, extent)
    clock.lap("prepare")
    loaded = load_stage(stage, task.folds, task.device)
    clock.lap("load")
    rows = _channels_of_names(stage)

    def read_window(window: Window) -> torch.Tensor:
        if names is None:
            return voxels[window][None]
        named = torch.from_numpy(names[_shifted(window, corner, +1)]).reshape(-1)
        channels = rows.index_select(0, named.int())
        channels[:, 0] = voxels[window].reshape(-1)
        return channels.reshape(*configuration.patch, -1).movedim(-1, 0)

    slabs = predict_logits(
        [_in_precision(network, task) for network in loaded.networks],
        read_window,
        extent,
        [_shifted(window, corner, -1) for window in windows],
        patch=configuration.patch,
        heads=stage.dataset.heads,
        device=task.device,
        at_once=windows_at_once(plan, free_on_device(task.device)),
        looks=(*mirrored_looks(loaded.mirror_axes if task.mirroring else ()), *task.more_looks),
        on_window=on_window,
        is_cancelled=is_cancelled,
    )
    for slab in slabs:
        clock.lap(f"network {configuration.name}")
        block = _without_padding(slab, corner, grid, pads)
        if block is not None:
            yield block
        clock.lap("restore")


def _channels_of_names(stage: Stage) -> torch.Tensor:
    """(256, channels): for each label of the stage before, the channels of a voxel that has it; the first, the image's,
    is left free."""
    rows = torch.zeros((256, stage.in_channels))
    if stage.in_channels > 1:
        values = torch.tensor(list(stage.dataset.labels.values()))
        rows[values, torch.arange(1, stage.in_channels)] = 1.0
    return rows


def stage_grid(task: StageTask) -> Shape:
    """The grid of the stage's network over the image."""
    return resampled_shape(_shape3(task.image.shape), task.spacing, task.stage.configuration.spacing)


def _choose_windows(task: StageTask, image: _NetworkImage, names: np.ndarray | None) -> list[Window]:
    patch = task.stage.configuration.patch
    if task.everywhere or not (names is not None or _lies_in_a_body(task.stage)):
        return all_windows(image.padded, patch, task.step)
    if names is None:
        return windows_over(image.is_body(), patch, task.step)
    near = _grown(np.isin(names, task.wanted), BONE_MARGIN_MM, task.stage.configuration.spacing)
    return windows_over(near, patch, task.step)


def _lies_in_a_body(stage: Stage) -> bool:
    """Whether nothing that the network finds in CT is as thin as air: bones, and what was so in its training.
    A lung's lesions may lie where a window shows little else."""
    lowest = stage.intensity.lower if stage.intensity is not None else -math.inf
    return stage.dataset.is_ct and (knows_bones_alone(stage.dataset) or lowest > BODY_HU)


def _grown(mask: np.ndarray, margin: float, spacing: Spacing) -> np.ndarray:
    """``mask`` grown by a box of ``margin`` mm: a separable maximum, cheap at any size."""
    from scipy import ndimage

    size = [2 * math.ceil(margin / step) + 1 for step in spacing]
    return ndimage.maximum_filter(mask, size=size, mode="constant")


def require_least_memory(task: StageTask) -> None:
    """Raises `ResourceError` when not even one window can be run: told before anything starts."""
    patch = task.stage.configuration.patch
    grid = stage_grid(task)
    pads = padding_to(grid, patch)
    padded = tuple(size + sum(pad) for size, pad in zip(grid, pads, strict=True))
    _require_memory(task, _shape3(padded), patch)


def _require_memory(task: StageTask, grid: Shape, box: Shape, *, labels_are_there: bool = False) -> MemoryPlan:
    """``labels_are_there``: the stage before has written them, their memory is taken."""
    stage = task.stage
    plan = plan_stage(
        stage.configuration.architecture,
        patch=stage.configuration.patch,
        grid=grid,
        box=box,
        heads=stage.dataset.heads,
        in_channels=stage.in_channels,
        volume=_shape3(task.image.shape),
        precision=task.precision,
    )
    if labels_are_there:
        plan = replace(plan, labels=0)
    require_memory(plan, available_bytes() if task.device.type == "cpu" else None)
    return plan


class _NetworkImage:
    """The image on the network's grid, normalised, and as large as a window at least."""

    def __init__(self, task: StageTask, grid: Shape, pads: Pads) -> None:
        configuration = task.stage.configuration
        self._task, self._grid, self._pads = task, grid, pads
        self._normalizer = make_normalizer(
            configuration.normalizations[0],
            task.image,
            intensity=task.stage.intensity,
            use_mask=configuration.use_mask[0],
        )

    @property
    def padded(self) -> Shape:
        return _shape3(tuple(size + sum(pad) for size, pad in zip(self._grid, self._pads, strict=True)))

    @cached_property
    def _whole(self) -> torch.Tensor:
        return self.part((0, 0, 0), self.padded)

    def is_body(self) -> np.ndarray:
        """Where there is more than air (bool, the padded grid)."""
        return (self._whole > self._normalizer.value(BODY_HU)).numpy()

    def part(self, corner: Shape, extent: Shape) -> torch.Tensor:
        """The box of the padded grid (float32)."""
        if "_whole" in self.__dict__:
            return self._whole[tuple(slice(at, at + size) for at, size in zip(corner, extent, strict=True))]
        inner, around = [], []
        for at, size, (before, _), length in zip(corner, extent, self._pads, self._grid, strict=True):
            first, stop = max(at - before, 0), min(at + size - before, length)
            inner.append(slice(first, stop))
            around += [(first + before - at, at + size - before - stop)]
        task, configuration = self._task, self._task.stage.configuration
        image = resample_image(
            lambda start, stop: self._normalizer.clip(task.image[start:stop], start),
            _shape3(task.image.shape),
            self._grid,
            axis_orders(configuration.data_resampling, task.spacing, configuration.spacing),
            part=(inner[0], inner[1], inner[2]),
        )
        image = self._normalizer.finish(image)
        if not any(sum(pad) for pad in around):
            return image
        fill = self._normalizer.value(AIR_HU) if task.pads_with_air else 0.0
        return torch.nn.functional.pad(image, [size for pad in reversed(around) for size in pad], value=fill)


def _in_precision(
    network: Callable[[torch.Tensor], torch.Tensor], task: StageTask
) -> Callable[[torch.Tensor], torch.Tensor]:
    def run(batch: torch.Tensor) -> torch.Tensor:
        with autocast(task.device, task.precision):
            return network(batch)

    return run


def _box_around(windows: list[Window]) -> tuple[Shape, Shape]:
    """Corner and size of the box that holds all windows."""
    low = [min(window[axis].start for window in windows) for axis in range(3)]
    high = [max(window[axis].stop for window in windows) for axis in range(3)]
    return _shape3(tuple(low)), _shape3(tuple(last - first for first, last in zip(low, high, strict=True)))


def _shifted(window: Window, corner: Shape, sign: int) -> Window:
    a, b, c = (slice(part.start + sign * at, part.stop + sign * at) for part, at in zip(window, corner, strict=True))
    return (a, b, c)


def _without_padding(slab: Slab, corner: Shape, grid: Shape, pads: Pads) -> LogitsBlock | None:
    """Logits of a box in the padded grid as a block of the grid itself; nothing where all of it is padding."""
    starts, parts = [], []
    corners = (corner[0] + slab.start, corner[1], corner[2])
    for at, size, (before, _), length in zip(corners, slab.logits.shape[1:], pads, grid, strict=True):
        begin = at - before
        first, last = max(begin, 0), min(begin + size, length)
        if first >= last:
            return None
        starts.append(first)
        parts.append(slice(first - begin, last - begin))
    repeated = slab.repeated if parts[0].start == 0 else 0
    return LogitsBlock(slab.logits[(slice(None), *parts)], _shape3(tuple(starts)), grid, repeated)


def _shape3(sizes: tuple[int, ...]) -> Shape:
    a, b, c = sizes
    return (a, b, c)
