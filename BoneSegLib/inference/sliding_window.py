"""The network, window by window, with Gaussian weights, as nnU-Net v2 does it (Isensee et al., Nature Methods 2021)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from BoneSegLib.errors import Cancelled, InternalError
from BoneSegLib.inference.looks import Look
from BoneSegLib.inference.resample import Shape
from BoneSegLib.models.model import STEP
from BoneSegLib.options import IsCancelled

Window = tuple[slice, slice, slice]

_OUTERMOST = 3 / 16
"""The ends of a window along an axis: from 2.5 standard deviations of its weights on, where the neighbour is within
1.5."""


def window_starts(size: int, patch: int, step: float = STEP) -> list[int]:
    """Where windows start along one axis of ``size`` >= ``patch`` voxels, evenly, at most ``step * patch`` apart."""
    count = int(np.ceil((size - patch) / (patch * step))) + 1
    if count == 1:
        return [0]
    stride = (size - patch) / (count - 1)
    return [int(np.round(stride * index)) for index in range(count)]


def all_windows(shape: Shape, patch: Shape, step: float = STEP) -> list[Window]:
    """Windows that cover ``shape`` (each axis at least as long as the patch), nnU-Net's grid and order."""
    starts = [window_starts(size, length, step) for size, length in zip(shape, patch, strict=True)]
    return [_window(corner, patch) for corner in itertools.product(*starts)]


def windows_over(needed: np.ndarray, patch: Shape, step: float = STEP) -> list[Window]:
    """Those of `all_windows` that tell something of the voxels in ``needed`` (bool kji, as large as a window at least).

    They are the same windows, so that the labels there are those of running all of them. Left out is a window that has
    such voxels in its outermost parts only: its neighbour, which has them near its middle, weighs ten times as much.
    """
    starts = [window_starts(size, length, step) for size, length in zip(needed.shape, patch, strict=True)]
    cores = [_cores(along, length, step) for along, length in zip(starts, patch, strict=True)]
    return [
        _window(corner, patch)
        for corner, core in zip(itertools.product(*starts), itertools.product(*cores), strict=True)
        if needed[core].any()
    ]


def _cores(starts: list[int], length: int, step: float) -> list[slice]:
    """The part of each window along one axis without the ends that a neighbour knows better."""
    end = int(length * _OUTERMOST) if step <= STEP else 0
    return [
        slice(start + (end if start > starts[0] else 0), start + length - (end if start < starts[-1] else 0))
        for start in starts
    ]


def _window(corner: Sequence[int], patch: Shape) -> Window:
    a, b, c = (slice(start, start + length) for start, length in zip(corner, patch, strict=True))
    return (a, b, c)


_SMALLEST_HALF = 2.0**-24
"""The smallest positive float16."""


@lru_cache(maxsize=4)
def gaussian_weights(patch: Shape) -> torch.Tensor:
    """Weight of each voxel of a window (float16): a Gaussian of an eighth of the patch, 10 in the middle.

    Its floor is the smallest float16, as in nnU-Net: where windows hardly overlap, the ratio of their smallest weights
    decides. What is weighted is summed in float32, where products with the floor keep their digits.
    """
    from scipy.ndimage import gaussian_filter

    impulse = np.zeros(patch)
    impulse[tuple(length // 2 for length in patch)] = 1.0
    weights = gaussian_filter(impulse, [length / 8 for length in patch], mode="constant")
    return torch.from_numpy(np.maximum(weights / weights.max() * 10.0, _SMALLEST_HALF)).to(torch.float16)


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
    at_once: int = 1,
    looks: Sequence[Look] = (Look(),),
    on_window: Callable[[int, int], None] = lambda done, total: None,
    is_cancelled: IsCancelled = lambda: False,
) -> Iterator[Slab]:
    """Logits averaged over overlapping windows, folds (``networks``) and ``looks``, in slabs along the first axis.

    A slab comes as soon as no further window touches it, so that never more than a window's length of a grid of
    ``shape`` is held. ``windows`` are ordered along the first axis; ``read_window`` gives the input of one (channels,
    *patch), float32, on any device, and ``at_once`` of them go through a network together. Voxels outside of every
    window get logits that say background. Raises `Cancelled` between windows.
    """
    weights = gaussian_weights(patch).to(device, torch.float32)[..., None]
    sums = _RollingSums(heads, patch[0], shape[1:], device)
    done = 0
    for first, layer in itertools.groupby(windows, key=lambda window: window[0].start):
        yield from sums.finish(first)
        sums.move_to(first)
        waiting = list(layer)
        while waiting:
            if is_cancelled():
                raise Cancelled
            now, waiting = waiting[:at_once], waiting[at_once:]
            with torch.inference_mode():
                batch = _stacked([read_window(window) for window in now]).to(device)
                for window, answer in zip(now, _mean_answers(networks, batch, looks), strict=True):
                    sums.add(window, answer, weights)
            done += len(now)
            on_window(done, len(windows))
    yield from sums.finish(shape[0])


def _stacked(windows: list[torch.Tensor]) -> torch.Tensor:
    """(batch, channels, *patch), channels last in memory where the windows have them last: the network wants it so."""
    if len(windows) == 1:
        return windows[0][None]
    return torch.stack([window.movedim(0, -1) for window in windows]).movedim(-1, 1)


@dataclass(frozen=True, eq=False)
class Slab:
    """``logits`` (heads, planes, j, i) of some planes, the first of them number ``start``.

    Its first ``repeated`` planes (0 or 1) ended the slab before: what lies between two planes needs both. The logits
    are valid until the next slab is asked for.
    """

    logits: torch.Tensor
    start: int
    repeated: int


class _RollingSums:
    """Weighted sums of logits over as many planes as a window has. Classes lie last in memory: what is done to them
    there, adding and finding the largest, takes a quarter of the time that it takes plane by plane."""

    def __init__(self, heads: int, length: int, plane: tuple[int, ...], device: torch.device) -> None:
        # Row 0 is the last plane that was finished; the planes from `_first` on follow.
        self._logits = torch.zeros((length + 1, *plane, heads), device=device)
        self._weights = torch.zeros((length + 1, *plane, 1), device=device)
        self._length, self._first, self._kept = length, 0, 0

    def add(self, window: Window, answer: torch.Tensor, weights: torch.Tensor) -> None:
        part = (slice(1, None), *window[1:])
        self._logits[part].addcmul_(answer.movedim(0, -1), weights)
        self._weights[part] += weights

    def finish(self, stop: int) -> Iterator[Slab]:
        """The planes before ``stop``, averaged; nothing where no window was."""
        count = min(stop - self._first, self._length)
        logits, weights = self._logits[1 : count + 1], self._weights[1 : count + 1]
        if count <= 0 or not weights.any():
            return
        untouched = weights == 0
        logits /= weights.masked_fill(untouched, 1.0)
        logits[..., :1].masked_fill_(untouched, 1.0)
        if not torch.isfinite(logits[::2, ::2, ::2]).all():
            raise InternalError(
                "The network gave numbers that are not finite.",
                remedy="Try again with --precision fp32, and report this.",
            )
        rows = self._logits[1 - self._kept : count + 1]
        yield Slab(rows.movedim(-1, 0), self._first - self._kept, self._kept)

    def move_to(self, first: int) -> None:
        """Makes ``first`` the first plane; those before it are finished."""
        shift = first - self._first
        left = max(self._length - shift, 0)
        had_windows = bool(self._weights.any())
        for rows in (self._logits, self._weights):
            if shift <= self._length:
                rows[0] = rows[shift]
            rows[1 : left + 1] = rows[shift + 1 :].clone()
            rows[left + 1 :] = 0.0
        self._kept = int(had_windows and 0 < shift <= self._length)
        self._first = first


def _mean_answers(
    networks: Sequence[Callable[[torch.Tensor], torch.Tensor]], batch: torch.Tensor, looks: Sequence[Look]
) -> torch.Tensor:
    """Logits (batch, heads, *patch): the mean, as in nnU-Net; where sides were swapped, that of the probabilities.

    Two looks with sides swapped disagree where the network is in doubt, and there the one that is sure should decide,
    not the one whose logits are larger.
    """
    swapped = any(look.heads is not None for look in looks)
    answers: torch.Tensor | None = None
    for network, look in itertools.product(networks, looks):
        once = _answer(network, batch, look)
        if swapped:
            once = once.log_softmax(1)
        if answers is None:
            answers = once
        else:
            answers = torch.logaddexp(answers, once) if swapped else answers + once
    assert answers is not None
    count = len(networks) * len(looks)
    if count == 1:
        return answers
    return answers - math.log(count) if swapped else answers / count


def _answer(network: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor, look: Look) -> torch.Tensor:
    """The network's logits as if the window had not been flipped."""
    dims = [axis + 2 for axis in look.axes]
    if look.heads is not None and batch.shape[1] > 1:  # the image, then a channel for each label but the background
        batch = batch[:, [0, *look.heads[1:]]]
    answer = network(batch.flip(dims)).float().flip(dims) if dims else network(batch).float()
    return answer if look.heads is None else answer[:, list(look.heads)]
