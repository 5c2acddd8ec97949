"""A coarse segmentation, its edges decided anew from the image at full resolution.

One step of a localised region-based contour: near an edge, a voxel belongs to the bone if its brightness is nearer to
the mean of the bone around it than to the mean of the surroundings around it (Lankton S, Tannenbaum A, "Localizing
region-based active contours", IEEE Trans. Image Processing 17 (2008) 2029-2039), with a pull towards the edge that the
coarse segmentation had. Grow-cut in the same band was tried and gained less (docs/metrics.md).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from BoneSegLib.boxes import Box, box_around
from BoneSegLib.errors import Cancelled, InputError
from BoneSegLib.options import IsCancelled, Progress, never_cancelled, no_progress
from BoneSegLib.volume import LabelMap, Volume

HU_RANGE = (-200.0, 800.0)
"""Brighter and darker voxels count as these: metal and air must not drag the means along."""

LEAST_CONTRAST_HU = 60.0
"""Where bone and surroundings differ by less, the image has less of a say."""


@dataclass(frozen=True, kw_only=True)
class RefineOptions:
    """How edges may move.

    ``band_mm``: no farther than this from where they were; about half a voxel of the coarse result. ``around_mm``: the
    standard deviation of the Gaussian window in which the means are taken. ``pull``: the weight of the old edge; with
    1, at the far side of the band it outweighs a voxel that looks exactly like the other side.
    """

    band_mm: float = 1.6
    around_mm: float = 6.0
    pull: float = 1.0


def refine_edges(
    volume: Volume,
    labels: LabelMap,
    *,
    options: RefineOptions | None = None,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
) -> LabelMap:
    """``labels`` (on the volume's grid, HU) with every edge between a bone and its surroundings moved within a band.

    Edges between two bones stay. Structure by structure: memory is that of the largest structure's box. Raises
    `InputError` for another grid and `Cancelled`.
    """
    options = options or RefineOptions()
    started = time.perf_counter()
    if not labels.geometry.matches(volume.geometry):
        raise InputError("The labels lie on another grid than the image.")
    refined = labels.array.copy()
    for number, structure in enumerate(labels.structures):
        if is_cancelled():
            raise Cancelled
        progress(number / len(labels.structures), f"Refining {structure.name}")
        box = box_around(labels.array == structure.label, 2 * options.around_mm, labels.geometry.spacing[::-1])
        if box is not None:
            _refine(refined, structure.label, volume, labels, box, options)
    progress(1.0, "Refined")
    info = {**labels.info, "refined_band_mm": options.band_mm, "refine_seconds": time.perf_counter() - started}
    return replace(labels, array=refined, info=info)


def _refine(
    refined: np.ndarray, label: int, volume: Volume, labels: LabelMap, box: Box, options: RefineOptions
) -> None:
    """Decide the band around one structure; ``refined`` is changed."""
    from scipy import ndimage

    spacing = labels.geometry.spacing[::-1]
    old = labels.array[box]
    inside, around = old == label, old == 0
    others = ~(inside | around)
    image = np.clip(volume.array[box].astype(np.float32), *HU_RANGE)
    deep = ndimage.distance_transform_edt(inside, sampling=spacing)
    away = ndimage.distance_transform_edt(~inside, sampling=spacing)
    # The edge runs half a voxel from the centres on either side of it.
    depth = np.where(inside, deep - min(spacing) / 2, min(spacing) / 2 - away)
    sigma = [options.around_mm / step for step in spacing]
    bone, tissue = _local_mean(image, inside, sigma), _local_mean(image, around, sigma)
    likeness = (2 * image - bone - tissue) / np.maximum(bone - tissue, LEAST_CONTRAST_HU)  # 1 is bone, -1 is not
    belongs = np.clip(likeness, -1.5, 1.5) + options.pull * depth / options.band_mm > 0
    band = np.abs(depth) <= options.band_mm
    part = refined[box]
    part[inside & band & ~belongs] = 0
    gained = around & band & belongs
    if others.any():
        gained &= away <= ndimage.distance_transform_edt(~others, sampling=spacing)
    part[gained] = label


def _local_mean(image: np.ndarray, where: np.ndarray, sigma: list[float]) -> np.ndarray:
    """The mean of ``image`` over ``where`` in a Gaussian window around each voxel."""
    from scipy import ndimage

    weight = ndimage.gaussian_filter(where.astype(np.float32), sigma, truncate=3.0)
    total = ndimage.gaussian_filter(np.where(where, image, np.float32(0)), sigma, truncate=3.0)
    return total / np.maximum(weight, 1e-3)
