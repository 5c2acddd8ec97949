"""Seeds for growing: certain voxels of each structure and of the background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from BoneSegLib.boxes import box_around
from BoneSegLib.errors import InputError
from BoneSegLib.volume import LabelMap, Volume

BACKGROUND = 255
"""The value of background seeds in a seed map; 0 is what has yet to be decided."""


@dataclass(frozen=True, kw_only=True)
class SeedOptions:
    """How seeds are made from a segmentation.

    ``core_mm``: a structure's seed is what lies deeper inside it than this (or its deepest voxels, where it is thinner
    everywhere). ``gap_mm``: within this distance around all structures nothing is background for certain.
    ``shell_mm``: the background seed reaches this much further.
    """

    core_mm: float = 3.0
    gap_mm: float = 4.0
    shell_mm: float = 4.0


def seeds_from_labels(labels: LabelMap, *, options: SeedOptions | None = None) -> LabelMap:
    """Seeds from a segmentation, such as a network's: the core of each structure and a shell of background around all.

    Returns the seed map (uint8: structures' labels, `BACKGROUND`, 0). Raises `InputError` when nothing is segmented.
    """
    options = options or SeedOptions()
    seeds = np.zeros(labels.array.shape, dtype=np.uint8)
    spacing = labels.geometry.spacing[::-1]
    for structure in labels.structures:
        box = box_around(labels.array == structure.label, 0.0, spacing)
        if box is not None:
            inside = labels.array[box] == structure.label
            seeds[box][_core(inside, spacing, options.core_mm)] = structure.label
    around = box_around(labels.array != 0, options.gap_mm + options.shell_mm, spacing)
    if around is None:
        raise InputError("There is nothing to grow from.", cause="The segmentation that seeds come from is empty.")
    distance = _distance_to(labels.array[around] != 0, spacing)
    shell = (distance > options.gap_mm) & (distance <= options.gap_mm + options.shell_mm)
    seeds[around][shell] = BACKGROUND
    return LabelMap(seeds, labels.geometry, labels.structures, {"seeds": "cores and shell of a segmentation"})


def add_background(seeds: LabelMap, volume: Volume, *, clear_mm: float = 15.0, below_hu: float = 30.0) -> LabelMap:
    """``seeds`` with background seeds, where they have none: soft tissue, fat and air away from every seed.

    Background is what is darker than ``below_hu`` in the image smoothed by 2 mm and farther than ``clear_mm`` from the
    seeds, since marrow may be as dark. Both on one grid.
    """
    if (seeds.array == BACKGROUND).any():
        return seeds
    from scipy import ndimage

    spacing = volume.geometry.spacing[::-1]
    box = box_around(seeds.array != 0, 2 * clear_mm, spacing)
    if box is None:
        raise InputError("There is nothing to grow from.", cause="The seeds are empty.")
    near = volume.array[box].astype(np.float32)
    smooth = ndimage.gaussian_filter(near, [2.0 / step for step in spacing])
    array = seeds.array.copy()
    array[box][(smooth < below_hu) & (_distance_to(seeds.array[box] != 0, spacing) > clear_mm)] = BACKGROUND
    return LabelMap(array, seeds.geometry, seeds.structures, dict(seeds.info))


def share_out(mask: np.ndarray, seeds: LabelMap, *, reach_mm: float = 30.0) -> LabelMap:
    """Give each voxel of ``mask`` (kji, bool) the label of the nearest seed, if there is one within ``reach_mm``.

    So a threshold's result, which knows no bone from another, can be compared bone by bone.
    """
    from scipy import ndimage

    spacing = seeds.geometry.spacing[::-1]
    result = np.zeros(mask.shape, dtype=np.uint8)
    box = box_around((seeds.array != 0) & (seeds.array != BACKGROUND), reach_mm, spacing)
    if box is not None:
        near = seeds.array[box]
        empty = (near == 0) | (near == BACKGROUND)
        distance, nearest = ndimage.distance_transform_edt(empty, sampling=spacing, return_indices=True)
        chosen = mask[box] & (distance <= reach_mm)
        result[box][chosen] = near[tuple(axis[chosen] for axis in nearest)]
    return LabelMap(result, seeds.geometry, seeds.structures)


def _core(inside: np.ndarray, spacing: tuple[float, ...], core_mm: float) -> np.ndarray:
    """What lies deeper than ``core_mm`` in each part of a mask that has such a place, else its deepest voxels."""
    depth = _distance_to(~np.pad(inside, 1), spacing)[1:-1, 1:-1, 1:-1]
    return depth > min(core_mm, 0.7 * depth.max())


def _distance_to(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """mm from each voxel to the nearest one of ``mask``, 0 within it."""
    from scipy import ndimage

    return ndimage.distance_transform_edt(~mask, sampling=spacing)
