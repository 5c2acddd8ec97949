"""From logits on the network's grid to labels on the image's, without ever holding classes x full resolution.

nnU-Net interpolates the logits linearly and takes the largest. Where all eight logits around a voxel agree on the
largest class, so does any linear interpolation of them: only the other voxels, near boundaries, are interpolated. The
result is the same; the work is a tenth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from BoneSegLib.inference.resample import AxisOrders, Shape, linear_taps, nearest_taps

_SLAB = 8
_CHUNK = 1 << 18


@dataclass(frozen=True, eq=False)
class LogitsBlock:
    """Logits (heads, k, j, i) of the box at ``start`` in a network grid of size ``grid``; background outside of it."""

    logits: torch.Tensor
    start: Shape
    grid: Shape


@dataclass(frozen=True, eq=False)
class _Taps:
    """One axis: output voxels from ``first`` on, and the two samples of the block that lie beside each of them."""

    first: int
    low: np.ndarray
    high: np.ndarray
    weight: np.ndarray


def decide_labels(block: LogitsBlock, shape: Shape, axes: AxisOrders) -> np.ndarray:
    """The winning class (uint8, kji) of each voxel of a grid of ``shape`` over the same field of view."""
    labels = np.zeros(shape, dtype=np.uint8)
    logits = block.logits.cpu()
    winners = _winners(logits)
    if tuple(shape) == tuple(block.grid):
        labels[tuple(slice(s, s + n) for s, n in zip(block.start, winners.shape, strict=True))] = winners
        return labels
    taps = [_axis_taps(block.grid[a], shape[a], axes.orders[a], block.start[a], winners.shape[a]) for a in range(3)]
    if any(len(tap.low) == 0 for tap in taps):
        return labels
    mixed = _mixed_cells(winners, spans=tuple(order > 0 for order in axes.orders))
    along_k, along_j, along_i = taps
    columns = (
        slice(along_j.first, along_j.first + len(along_j.low)),
        slice(along_i.first, along_i.first + len(along_i.low)),
    )
    for start in range(0, len(along_k.low), _SLAB):
        rows = slice(start, min(start + _SLAB, len(along_k.low)))
        low_k = along_k.low[rows]
        decided = winners[low_k].take(along_j.low, axis=1).take(along_i.low, axis=2)
        undecided = np.nonzero(mixed[low_k].take(along_j.low, axis=1).take(along_i.low, axis=2))
        if len(undecided[0]):
            decided[undecided] = _interpolate(logits, taps, undecided, rows)
        labels[(slice(along_k.first + rows.start, along_k.first + rows.stop), *columns)] = decided
    return labels


def _winners(logits: torch.Tensor) -> np.ndarray:
    winners = np.empty(tuple(logits.shape[1:]), dtype=np.uint8)
    for start in range(0, len(winners), _SLAB):
        winners[start : start + _SLAB] = logits[:, start : start + _SLAB].argmax(0).numpy()
    return winners


def _axis_taps(grid: int, size: int, order: int, start: int, length: int) -> _Taps:
    """The taps of the output voxels whose samples both lie within the block."""
    if order == 0:
        low = nearest_taps(grid, size)
        high, weight = low, np.zeros(size)
    else:
        low, high, weight = linear_taps(grid, size)
    inside = np.flatnonzero((low >= start) & (high < start + length))
    first = int(inside[0]) if len(inside) else 0
    return _Taps(first, low[inside] - start, high[inside] - start, weight[inside].astype(np.float32))


def _mixed_cells(winners: np.ndarray, *, spans: tuple[bool, ...]) -> np.ndarray:
    """True where a voxel and its next neighbours (along the axes that are interpolated) do not all agree."""
    lowest, highest = winners.copy(), winners.copy()
    for axis in (axis for axis in range(3) if spans[axis]):
        here = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        after = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        lowest[here] = np.minimum(lowest[here], lowest[after])
        highest[here] = np.maximum(highest[here], highest[after])
    return lowest != highest


def _interpolate(logits: torch.Tensor, taps: list[_Taps], voxels: tuple[np.ndarray, ...], rows: slice) -> np.ndarray:
    """The winning class of some voxels (indices into the slab ``rows``), by trilinear interpolation of the logits."""
    along_k, along_j, along_i = taps
    low_k, high_k, weight_k = along_k.low[rows], along_k.high[rows], along_k.weight[rows]
    bottom, top = int(low_k.min()), int(high_k.max()) + 1
    _, _, nj, ni = logits.shape
    # Classes last, so that one gather reads all logits of a sample.
    table = logits[:, bottom:top].movedim(0, -1).reshape(-1, logits.shape[0])
    result = np.empty(len(voxels[0]), dtype=np.uint8)
    for begin in range(0, len(result), _CHUNK):
        k, j, i = (index[begin : begin + _CHUNK] for index in voxels)
        total: torch.Tensor | None = None
        for kk, wk in ((low_k[k], 1 - weight_k[k]), (high_k[k], weight_k[k])):
            for jj, wj in ((along_j.low[j], 1 - along_j.weight[j]), (along_j.high[j], along_j.weight[j])):
                for ii, wi in ((along_i.low[i], 1 - along_i.weight[i]), (along_i.high[i], along_i.weight[i])):
                    samples = table.index_select(0, torch.from_numpy(((kk - bottom) * nj + jj) * ni + ii)).float()
                    samples *= torch.from_numpy(wk * wj * wi)[:, None]
                    total = samples if total is None else total.add_(samples)
        assert total is not None
        result[begin : begin + _CHUNK] = total.argmax(1).numpy()
    return result
