"""The network, window by window, with Gaussian weights, as nnU-Net v2 does it (Isensee et al., Nature Methods 2021)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from BoneSegLib.errors import Cancelled, InternalError
from BoneSegLib.inference.resample import Shape
from BoneSegLib.options import IsCancelled

Window = tuple[slice, slice, slice]

STEP = 0.5
"""Windows overlap by half, nnU-Net's default."""


def window_starts(size: int, patch: int, step: float = STEP) -> list[int]:
    """Where windows start along one axis of ``size`` >= ``patch`` voxels, evenly, at most ``step * patch`` apart."""
    count = int(np.ceil((size - patch) / (patch * step))) + 1
    if count == 1:
        return [0]
    stride = (size - patch) / (count - 1)
    return [int(np.round(stride * index)) for index in range(count)]


def all_windows(shape: Shape, patch: Shape) -> list[Window]:
    """Windows that cover ``shape`` (each axis at least as long as the patch), nnU-Net's grid and order."""
    starts = [window_starts(size, length) for size, length in zip(shape, patch, strict=True)]
    return [_window(corner, patch) for corner in itertools.product(*starts)]


def windows_over(needed: np.ndarray, patch: Shape) -> list[Window]:
    """Windows that cover the voxels of ``needed`` (bool kji, each axis at least as long as the patch).

    They lie in the box around those voxels, and a window without any is left out.
    """
    if not needed.any():
        return []
    starts = []
    for axis, length in enumerate(patch):
        used = np.flatnonzero(needed.any(axis=tuple(other for other in range(3) if other != axis)))
        first, last = int(used[0]), int(used[-1]) + 1
        span = max(last - first, length)
        first = min(first, needed.shape[axis] - span)
        starts.append([first + start for start in window_starts(span, length)])
    windows = (_window(corner, patch) for corner in itertools.product(*starts))
    return [window for window in windows if needed[window].any()]


def _window(corner: Sequence[int], patch: Shape) -> Window:
    a, b, c = (slice(start, start + length) for start, length in zip(corner, patch, strict=True))
    return (a, b, c)


@lru_cache(maxsize=4)
def gaussian_weights(patch: Shape) -> torch.Tensor:
    """Weight of each voxel of a window (float16): a Gaussian of an eighth of the patch, 10 in the middle.

    Its floor is 0.0001. nnU-Net lets it fall to the smallest float16, where products lose their digits; that shows at
    the corners of an image, which only one window sees.
    """
    from scipy.ndimage import gaussian_filter

    impulse = np.zeros(patch)
    impulse[tuple(length // 2 for length in patch)] = 1.0
    weights = gaussian_filter(impulse, [length / 8 for length in patch], mode="constant")
    return torch.from_numpy(np.maximum(weights / weights.max() * 10.0, 1e-4)).to(torch.float16)


def padding_to(shape: Shape, patch: Shape) -> tuple[tuple[int, int], ...]:
    """Voxels to add before and after each axis so that a window fits; the odd one after, as in nnU-Net."""
    missing = [max(length - size, 0) for size, length in zip(shape, patch, strict=True)]
    return tuple((gap // 2, gap - gap // 2) for gap in missing)


def predict_logits(
    networks: Sequence[Callable[[torch.Tensor], torch.Tensor]],
    read_window: Callable[[Window], torch.Tensor],
    shape: Shape,
    windows: Sequence[Window],
    *,
    patch: Shape,
    heads: int,
    device: torch.device,
    mirror_axes: Sequence[int] = (),
    on_window: Callable[[int, int], None] = lambda done, total: None,
    is_cancelled: IsCancelled = lambda: False,
) -> torch.Tensor:
    """Logits (heads, *shape) in float16, averaged over overlapping windows, folds (``networks``) and mirrorings.

    ``read_window`` gives a window's input (channels, *patch), float32, on any device. Voxels outside of every window
    get logits that say background. Raises `Cancelled` between windows.
    """
    weights = gaussian_weights(patch).to(device)
    logits = torch.zeros((heads, *shape), dtype=torch.float16, device=device)
    total = torch.zeros(shape, dtype=torch.float16, device=device)
    flips = [axes for count in range(len(mirror_axes) + 1) for axes in itertools.combinations(mirror_axes, count)]
    with torch.inference_mode():
        for done, window in enumerate(windows):
            if is_cancelled():
                raise Cancelled
            batch = read_window(window)[None].to(device)
            answer = _mean_answer(networks, batch, flips)
            logits[(slice(None), *window)] += answer.to(device) * weights
            total[window] += weights
            on_window(done + 1, len(windows))
        untouched = total == 0
        logits /= total.masked_fill_(untouched, 1.0)
        logits[0].masked_fill_(untouched, 1.0)
    if not torch.isfinite(logits[:, ::2, ::2, ::2]).all():
        raise InternalError(
            "The network gave numbers that are not finite.", remedy="Try again with --precision fp32, and report this."
        )
    return logits


def _mean_answer(networks: Sequence[Any], batch: torch.Tensor, flips: Sequence[tuple[int, ...]]) -> torch.Tensor:
    answer: torch.Tensor | None = None
    for network in networks:
        for axes in flips:
            dims = [axis + 2 for axis in axes]
            once = network(batch.flip(dims)).float().flip(dims) if dims else network(batch).float()
            answer = once if answer is None else answer + once
    assert answer is not None
    return answer[0] / (len(networks) * len(flips))
