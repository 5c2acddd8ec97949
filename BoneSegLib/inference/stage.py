"""One network of a model over one image: prepare, sliding window, logits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from BoneSegLib.inference.clock import Clock
from BoneSegLib.inference.device import autocast
from BoneSegLib.inference.loading import load_stage
from BoneSegLib.inference.memory import plan_stage, require_memory
from BoneSegLib.inference.normalize import Normalizer, make_normalizer
from BoneSegLib.inference.resample import Shape, Spacing, axis_orders, resample_image, resampled_shape
from BoneSegLib.inference.restore import LogitsBlock, decide_labels
from BoneSegLib.inference.sliding_window import Window, all_windows, padding_to, predict_logits, windows_over
from BoneSegLib.memory import available_bytes
from BoneSegLib.models.model import Stage
from BoneSegLib.options import IsCancelled

AIR_HU = -1024.0
BONE_MARGIN_MM = 15.0
"""A finer network looks this far beyond the bones that the coarser one found."""


@dataclass(frozen=True, eq=False)
class StageTask:
    """What a stage needs to know of the run.

    ``image``: kji array in the network's axes, ``spacing`` along them in mm. ``wanted``: network labels asked for.
    ``everywhere``: run all windows, not only those near the bones that the stage before found.
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


@dataclass(frozen=True, eq=False)
class Coarse:
    """The stage before: its logits and its configuration's stage."""

    block: LogitsBlock
    stage: Stage


def run_stage(
    task: StageTask,
    coarse: Coarse | None,
    *,
    clock: Clock,
    on_window: Callable[[int, int], None],
    is_cancelled: IsCancelled,
) -> LogitsBlock:
    """The stage's logits, over the whole grid or, after a coarser stage, around the bones that it found."""
    stage, configuration = task.stage, task.stage.configuration
    grid = resampled_shape(_shape3(task.image.shape), task.spacing, configuration.spacing)
    pads = padding_to(grid, configuration.patch)
    padded = _shape3(tuple(size + before + after for size, (before, after) in zip(grid, pads, strict=True)))
    names = np.pad(_names_on_grid(grid, coarse, stage), pads) if coarse is not None else None
    windows = _choose_windows(task, padded, names)
    if not windows:
        return LogitsBlock(torch.zeros((stage.dataset.heads, 0, 0, 0), dtype=torch.float16), (0, 0, 0), grid)
    corner, extent = _box_around(windows)
    _require_memory(task, extent)
    image = _network_image(task, grid, pads)
    clock.lap("prepare")
    loaded = load_stage(stage, task.folds, task.device)
    clock.lap("load")

    def read_window(window: Window) -> torch.Tensor:
        outer = _shifted(window, corner, +1)
        channels = [image[outer]]
        if names is not None:
            part = torch.from_numpy(names[outer])
            channels += [part == value for value in stage.dataset.labels.values()]
        return torch.stack([channel.to(torch.float32) for channel in channels])

    logits = predict_logits(
        [_in_precision(network, task) for network in loaded.networks],
        read_window,
        extent,
        [_shifted(window, corner, -1) for window in windows],
        patch=configuration.patch,
        heads=stage.dataset.heads,
        device=task.device,
        mirror_axes=loaded.mirror_axes if task.mirroring else (),
        on_window=on_window,
        is_cancelled=is_cancelled,
    )
    clock.lap(f"network {configuration.name}")
    return _without_padding(logits, corner, grid, pads)


def _names_on_grid(grid: Shape, coarse: Coarse, stage: Stage) -> np.ndarray:
    """The coarser stage's labels (uint8, in the network's own values) on this stage's grid."""
    before = coarse.stage.configuration
    axes = axis_orders(before.logits_resampling, before.spacing, stage.configuration.spacing)
    return decide_labels(coarse.block, grid, axes)


def _choose_windows(task: StageTask, padded: Shape, names: np.ndarray | None) -> list[Window]:
    patch = task.stage.configuration.patch
    if names is None or task.everywhere:
        return all_windows(padded, patch)
    return windows_over(_grown(np.isin(names, task.wanted), BONE_MARGIN_MM, task.stage.configuration.spacing), patch)


def _grown(mask: np.ndarray, margin: float, spacing: Spacing) -> np.ndarray:
    """``mask`` grown by a box of ``margin`` mm: a separable maximum, cheap at any size."""
    from scipy import ndimage

    size = [2 * math.ceil(margin / step) + 1 for step in spacing]
    return ndimage.maximum_filter(mask, size=size, mode="constant")


def _require_memory(task: StageTask, extent: Shape) -> None:
    stage = task.stage
    plan = plan_stage(
        stage.configuration.architecture,
        patch=stage.configuration.patch,
        grid=extent,
        heads=stage.dataset.heads,
        in_channels=stage.in_channels,
        volume=_shape3(task.image.shape),
        precision=task.precision,
    )
    require_memory(plan, available_bytes() if task.device.type == "cpu" else None)


def _network_image(task: StageTask, grid: Shape, pads: tuple[tuple[int, int], ...]) -> torch.Tensor:
    """The image normalised, on the network's grid, large enough for a window."""
    configuration = task.stage.configuration
    normalizer = make_normalizer(
        configuration.normalizations[0],
        task.image,
        intensity=task.stage.intensity,
        use_mask=configuration.use_mask[0],
    )
    axes = axis_orders(configuration.data_resampling, task.spacing, configuration.spacing)
    shape = _shape3(task.image.shape)
    image = resample_image(lambda start, stop: normalizer(task.image[start:stop]), shape, grid, axes)
    return _pad(image, pads, normalizer, with_air=task.pads_with_air)


def _pad(
    image: torch.Tensor, pads: tuple[tuple[int, int], ...], normalizer: Normalizer, *, with_air: bool
) -> torch.Tensor:
    if not any(sum(pad) for pad in pads):
        return image
    flat = [size for pad in reversed(pads) for size in pad]
    return torch.nn.functional.pad(image, flat, value=normalizer.value(AIR_HU) if with_air else 0.0)


def _in_precision(network: Any, task: StageTask) -> Callable[[torch.Tensor], torch.Tensor]:
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


def _without_padding(
    logits: torch.Tensor, corner: Shape, grid: Shape, pads: tuple[tuple[int, int], ...]
) -> LogitsBlock:
    """Logits of a box in the padded grid as a block of the grid itself."""
    starts, parts = [], []
    for axis in range(3):
        begin = corner[axis] - pads[axis][0]
        first, last = max(begin, 0), min(begin + logits.shape[axis + 1], grid[axis])
        starts.append(first)
        parts.append(slice(first - begin, last - begin))
    return LogitsBlock(logits[(slice(None), *parts)], _shape3(tuple(starts)), grid)


def _shape3(sizes: tuple[int, ...]) -> Shape:
    a, b, c = sizes
    return (a, b, c)
