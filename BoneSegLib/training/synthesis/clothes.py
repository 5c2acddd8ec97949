"""What the patient wears: layers of fabric, zippers, buttons and snaps, leads that lie on the skin."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from BoneSegLib.training.synthesis.noise import smooth_noise
from BoneSegLib.training.synthesis.surroundings import AIR_HU, BODY_HU, Shell

_COARSE = 2
_LEVELS_APART_MM = 1e4
_FASTENED, _WITH_LEAD = 0.35, 0.2
"""Shares of those who wear something."""


def add_clothes(
    ct: NDArray[np.float32], inside: NDArray[np.bool_], *, spacing: float, rng: np.random.Generator
) -> None:
    """Clothes around a patient, into air (HU, kji of an LPS grid, in place).

    ``inside``: the patient with all air within, where there is no fabric. One or two layers, each a gown or what is
    worn above or below the waist: lifted from the skin here and there, creased, and pressed to the back on which the
    patient lies.
    """
    rows = np.flatnonzero(inside.any((0, 2)))
    if not rows.size:
        return
    free = (ct < BODY_HU) & ~inside
    coarse = _away(inside, spacing)
    away = _fine(coarse, inside.shape)
    loose = np.interp(np.arange(ct.shape[1]), rows[[0, -1]], (1.0, 0.1)).astype(np.float32)[:, None]
    for _ in range(rng.integers(1, 3)):
        waist = round(rng.uniform(0.1, 0.9) * ct.shape[0])
        worn = (slice(None), slice(waist, None), slice(waist))[rng.integers(3)]
        fabric = Shell(spacing=spacing, thickness=rng.uniform(1, 2.5), hu=rng.uniform(-800, -250))
        stiff = rng.uniform(2, 15) / (spacing * _COARSE)
        spanned = _fine(ndimage.gaussian_filter(coarse, (0, stiff, stiff), truncate=2), inside.shape)
        wide, creases = (smooth_noise(ct.shape, length / spacing, rng).numpy() for length in (70, 16))
        lifted = rng.uniform(0, 5) + rng.uniform(0, 10) * np.maximum(wide, 0) + rng.uniform(0, 6) * np.abs(creases)
        # Whatever it spans, it lies outside the skin.
        surface = np.minimum(away - fabric.thickness / 2, spanned - lifted.astype(np.float32) * loose)
        _paint(ct[worn], fabric.painted(np.abs(surface))[worn], free[worn])
    front = np.where(inside.any(1), inside.argmax(1), -1)
    if rng.random() < _FASTENED:
        _fasten(ct, free, front, spacing=spacing, rng=rng)
    if rng.random() < _WITH_LEAD:
        _lay_lead(ct, free, front, spacing=spacing, rng=rng)


def _away(inside: NDArray[np.bool_], spacing: float) -> NDArray[np.float32]:
    """mm from the skin at half resolution, negative inside.

    Within each level, so that nothing is drawn over the end of a patient who is cut off.
    """
    mask = torch.from_numpy(inside.astype(np.float32))[None, None]
    coarse = functional.max_pool3d(mask, _COARSE, ceil_mode=True)[0, 0].numpy() > 0
    sampling = (_LEVELS_APART_MM, spacing * _COARSE, spacing * _COARSE)
    outside, within = (ndimage.distance_transform_edt(part, sampling=sampling) for part in (~coarse, coarse))
    return (outside - within).astype(np.float32)


def _fine(coarse: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    fine = functional.interpolate(torch.from_numpy(coarse)[None, None], scale_factor=_COARSE, mode="trilinear")[0, 0]
    return fine[: shape[0], : shape[1], : shape[2]].numpy()


def _fasten(
    ct: NDArray[np.float32],
    free: NDArray[np.bool_],
    front: NDArray[np.int_],
    *,
    spacing: float,
    rng: np.random.Generator,
) -> None:
    """A zipper, or a row of buttons or of metal snaps, down the front."""
    zipper, metal = rng.random() < 0.4, rng.random() < 0.6
    radius, apart = (rng.uniform(1.2, 2.2), spacing) if zipper else (rng.uniform(3, 6), rng.uniform(50, 100))
    hu = rng.uniform(1000, 3000) if zipper or metal else rng.uniform(50, 400)
    column = np.flatnonzero((front >= 0).any(0)).mean() + rng.normal(0, 25) / spacing
    lowest, length = rng.uniform(-0.2, 0.9) * front.shape[0], rng.uniform(60, 300) / spacing
    levels = np.arange(lowest, lowest + length, apart / spacing)
    dot = Shell(spacing=spacing, thickness=2 * radius, hu=hu)
    _lay(ct, free, front, ((level, column) for level in levels), above=rng.uniform(1, 5), dot=dot)


def _lay_lead(
    ct: NDArray[np.float32],
    free: NDArray[np.bool_],
    front: NDArray[np.int_],
    *,
    spacing: float,
    rng: np.random.Generator,
) -> None:
    """A winding cable from one place of the front to another: a bright core in its insulation."""
    columns = np.flatnonzero((front >= 0).any(0))
    ends = np.stack([rng.uniform(0, front.shape[0], 2), np.quantile(columns, rng.uniform(0.25, 0.75, 2))], 1)
    along = np.linspace(0, 1, 2 + int(2 * np.abs(ends[1] - ends[0]).sum()))[:, None]
    wind = rng.normal(0, 12, 2) / spacing * np.sin(np.pi * along * rng.uniform(1, 4, 2))
    path = ends[0] + (ends[1] - ends[0]) * along + wind
    radius = rng.uniform(1, 2)
    for size, hu in ((radius, rng.uniform(-200, 200)), (radius / 2, rng.uniform(1500, 3000))):
        dot = Shell(spacing=spacing, thickness=2 * size, hu=hu)
        _lay(ct, free, front, path, above=radius, dot=dot)


def _lay(
    ct: NDArray[np.float32],
    free: NDArray[np.bool_],
    front: NDArray[np.int_],
    places: Iterable[tuple[float, float]],
    *,
    above: float,
    dot: Shell,
) -> None:
    """Balls at ``places`` (level k, column i), ``above`` mm before the patient's front, as far as there is one."""
    reach = int(np.ceil(dot.thickness / 2 / dot.spacing)) + 1
    for k, i in places:
        level, column = round(k), round(i)
        if not (0 <= level < front.shape[0] and 0 <= column < front.shape[1]) or front[level, column] < 0:
            continue
        center = (k, front[level, column] - above / dot.spacing, i)
        box = tuple(slice(max(0, round(middle) - reach), max(0, round(middle) + reach + 1)) for middle in center)
        grid = np.ogrid[
            tuple(slice(part.start, min(part.stop, size)) for part, size in zip(box, ct.shape, strict=True))
        ]
        distance = np.sqrt(sum((axis - middle) ** 2 for axis, middle in zip(grid, center, strict=True))) * dot.spacing
        _paint(ct[box], dot.painted(distance), free[box])


def _paint(ct: NDArray[np.float32], painted: NDArray, free: NDArray[np.bool_]) -> None:
    np.copyto(ct, np.maximum(ct, AIR_HU + painted), where=free)
