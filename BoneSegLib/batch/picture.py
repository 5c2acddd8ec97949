"""A small picture of a case: enough to see that something went wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from BoneSegLib.volume import Geometry, LabelMap, Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

HEIGHT = 200
GAP = 4
_FINEST_MM = 1.5


def write_picture(path: Path, volume: Volume, labels: LabelMap) -> None:
    """Coronal and sagittal slice side by side as PNG, `HEIGHT` pixels high. Raises `OutputError`, `ResourceError`."""
    from BoneSegLib.evaluation.contours import png_bytes
    from BoneSegLib.headless.atomic import replacing
    from BoneSegLib.report.pictures import slice_pictures

    _axial, coronal, sagittal = slice_pictures(*_coarser(volume, labels))
    picture = _side_by_side([_with_height(coronal), _with_height(sagittal)])
    with replacing(path) as temporary:
        temporary.write_bytes(png_bytes(picture))


def _coarser(volume: Volume, labels: LabelMap) -> tuple[Volume, LabelMap]:
    """Every n-th voxel: a thumbnail shows no more, and a full CT takes seconds to slice through."""
    steps = tuple(max(1, math.floor(_FINEST_MM / step)) for step in volume.geometry.spacing)
    if steps == (1, 1, 1):
        return volume, labels
    cut = tuple(slice(None, None, step) for step in reversed(steps))
    array, marks = volume.array[cut], labels.array[cut]
    matrix = volume.geometry.ijk_to_ras @ np.diag([*steps, 1.0])
    geometry = Geometry((array.shape[2], array.shape[1], array.shape[0]), matrix)
    return Volume(array, geometry, volume.name), replace(labels, array=marks, geometry=geometry)


def _with_height(picture: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    factor = HEIGHT / picture.shape[0]
    width = max(1, min(2 * HEIGHT, round(picture.shape[1] * factor)))
    smooth = picture.astype(np.float32)
    if factor < 1:
        smooth = ndimage.gaussian_filter(smooth, (0.4 / factor, 0.4 / factor, 0))
    zoom = (HEIGHT / picture.shape[0], width / picture.shape[1], 1)
    scaled = ndimage.zoom(smooth, zoom, order=1, grid_mode=True, mode="nearest")
    return np.clip(scaled, 0, 255).astype(np.uint8)


def _side_by_side(pictures: Sequence[np.ndarray]) -> np.ndarray:
    gap = np.zeros((HEIGHT, GAP, 3), np.uint8)
    first, second = pictures
    return np.hstack([first, gap, second])
