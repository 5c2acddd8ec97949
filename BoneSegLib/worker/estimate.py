"""Time and memory of a run, told before it starts.

The time is that of earlier runs of the same model on the same device, by the amount of work; before the first run it is
that of one window of each network, tried out here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from BoneSegLib.options import SegmentOptions
from BoneSegLib.volume import Geometry

if TYPE_CHECKING:
    import torch

    from BoneSegLib.inference.resample import Shape
    from BoneSegLib.models.model import Model, Stage

OTHER = "other"
_OTHER_SECONDS_PER_MEGAVOXEL = 0.08
_SHARE_WITH_BONES = 0.5
"""Of a finer network's windows, so many are near bones: 84 of 294 in a CT of the abdomen, more in a close one."""

_SLOW_S = 0.5
"""A window that takes longer is not tried twice: loading kernels hardly counts, and somebody may be waiting."""


@dataclass(frozen=True)
class Estimate:
    """``seconds`` and ``memory_bytes`` (``None``: unknown), the memory that is free, the device that will be used."""

    seconds: float | None
    memory_bytes: int | None
    free_bytes: int | None
    device: str


@dataclass(frozen=True, eq=False)
class _Work:
    """What a run has to do: windows of each stage, and voxels (in millions) for everything else."""

    model: Model
    stages: tuple[Stage, ...]
    windows: tuple[int, ...]
    grids: tuple[Shape, ...]
    volume: Shape
    device: torch.device
    precision: str

    @property
    def megavoxels(self) -> float:
        return math.prod(self.volume) / 1e6

    def key(self, options: SegmentOptions) -> str:
        """What the speed depends on, apart from the size of the image."""
        import torch

        networks = (options.folds, options.mirroring, options.coarse_to_fine, options.drafts, options.second_look)
        after = (options.discs, options.refine, options.drop_islands, options.fill_holes)
        details = (*networks, *after, torch.get_num_threads())
        return f"{self.model.name} {self.model.version} {self.device} {self.precision} {details}"


def estimate(geometry: Geometry, options: SegmentOptions) -> Estimate:
    """What a run on an image like this will take here. Raises a `BoneSegError` when it cannot run at all."""
    from BoneSegLib.worker.speeds import read_speeds

    work = _work_of(geometry, options)
    known = read_speeds(work.key(options))
    seconds = work.megavoxels * known.get(OTHER, _OTHER_SECONDS_PER_MEGAVOXEL)
    for number, (stage, windows) in enumerate(zip(work.stages, work.windows, strict=True)):
        name = stage.configuration.name
        if name not in known:
            share = 1.0 if number == 0 or not options.coarse_to_fine else _SHARE_WITH_BONES
            known[name] = share * _try_window(work, stage, options)
        seconds += windows * known[name]
    return Estimate(seconds, _memory(work), _free_memory(work.device), str(work.device))


def remember_run(geometry: Geometry, options: SegmentOptions, info: dict[str, object]) -> None:
    """Keeps how long the steps of a run took (``info`` of its label map)."""
    from BoneSegLib.worker.speeds import remember_speeds

    laps = info.get("seconds")
    if not isinstance(laps, dict):
        return
    work = _work_of(geometry, options)
    if str(work.device) != info.get("device"):
        return  # it stepped down to another device
    speeds = {}
    for stage, windows in zip(work.stages, work.windows, strict=True):
        name = stage.configuration.name
        speeds[name] = float(laps.get(f"network {name}", 0.0)) / windows
    others = sum(value for name, value in laps.items() if not name.startswith("network ") and name != "load")
    remember_speeds(work.key(options), {**speeds, OTHER: others / work.megavoxels})


def _work_of(geometry: Geometry, options: SegmentOptions) -> _Work:
    import numpy as np

    from BoneSegLib.inference.device import choose_device, choose_precision
    from BoneSegLib.inference.drafts import drafts_of
    from BoneSegLib.inference.frame import make_frame, needs_straightening, straight_geometry
    from BoneSegLib.inference.loading import load_model
    from BoneSegLib.inference.looks import last_looks, second_looks
    from BoneSegLib.inference.region import cut_out, region_of
    from BoneSegLib.inference.resample import resampled_shape
    from BoneSegLib.inference.sliding_window import all_windows
    from BoneSegLib.models.model import SIDE_BY_SIDE
    from BoneSegLib.volume import Volume

    model = load_model(options.model)
    device = choose_device(options.device)
    # An image of one voxel, seen as if it were large: only its shape matters here.
    volume = Volume(np.broadcast_to(np.int16(0), geometry.shape), geometry)
    part = cut_out(volume, region_of(volume, options.roi)).geometry
    if model.canonical and needs_straightening(part):
        part = straight_geometry(part)
    stages = model.stages_of(options.quality)
    empty = np.broadcast_to(np.int16(0), part.shape)
    frame = make_frame(empty, part, canonical=model.canonical, transpose=stages[0].plans.transpose)
    windows, grids = [], []
    for stage in stages:
        configuration = stage.configuration
        grid = resampled_shape(frame.shape, frame.spacing(part), configuration.spacing)
        a, b, c = (max(size, length) for size, length in zip(grid, configuration.patch, strict=True))
        grids.append((a, b, c))
        windows.append(len(all_windows((a, b, c), configuration.patch)))
    windows[0] *= 1 + len(second_looks(model, options))
    patch = stages[-1].configuration.patch
    windows[-1] = len(all_windows(grids[-1], patch, model.step_of(options.quality)))
    windows[-1] *= 1 + len(last_looks(model, options))
    windows[-1] += len(all_windows(grids[-1], patch, SIDE_BY_SIDE)) * drafts_of(model, options)
    precision = choose_precision(options.precision, device)
    return _Work(model, tuple(stages), tuple(windows), tuple(grids), frame.shape, device, precision)


def _try_window(work: _Work, stage: Stage, options: SegmentOptions) -> float:
    """Seconds for one window; the networks stay loaded for the run."""
    import time

    import torch

    from BoneSegLib.inference.device import autocast
    from BoneSegLib.inference.loading import choose_folds, load_stage

    loaded = load_stage(stage, choose_folds(stage, options.folds), work.device)
    window = torch.zeros((1, stage.in_channels, *stage.configuration.patch), device=work.device)
    best = math.inf
    with torch.inference_mode(), autocast(work.device, work.precision):
        for _ in range(2):  # the first one loads kernels
            started = time.perf_counter()
            loaded.networks[0](window).float().sum().item()
            best = min(best, time.perf_counter() - started)
            if best > _SLOW_S:
                break
    flips = 2 ** len(loaded.mirror_axes) if options.mirroring else 1
    return best * len(loaded.networks) * flips


def _memory(work: _Work) -> int:
    """The peak: the more demanding stage, the image that is handed over, and Python with torch."""
    from BoneSegLib.inference.memory import plan_stage

    plans = [
        plan_stage(
            stage.configuration.architecture,
            patch=stage.configuration.patch,
            grid=grid,
            heads=stage.dataset.heads,
            in_channels=stage.in_channels,
            volume=work.volume,
            precision=work.precision,
        )
        for stage, grid in zip(work.stages, work.grids, strict=True)
    ]
    program = 500 * 2**20
    return max(plan.total for plan in plans) + 3 * math.prod(work.volume) + program


def _free_memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    from BoneSegLib.memory import available_bytes

    return available_bytes()
