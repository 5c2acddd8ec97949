"""Seeds out of a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from BoneSegLib.anatomy import STRUCTURES, foreign_structure
from BoneSegLib.baselines.seeds import BACKGROUND
from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.grids import on_grid
from BoneSegLib.volume import Geometry, LabelMap


def read_seeds(path: Path, geometry: Geometry) -> LabelMap:
    """Seeds from a segmentation or label map, on ``geometry`` (nearest voxel).

    In a ``.seg.nrrd`` a segment called "Background" holds the background seeds; in a label map every value that is no
    structure's does. Raises `InputError` when there are none at all.
    """
    from BoneSegLib.headless.read import SEGMENTATION_SUFFIXES, read_labelmap, read_volume

    if path.name.lower().endswith(SEGMENTATION_SUFFIXES):
        background = foreign_structure(BACKGROUND, "background")
        seeds = replace(read_labelmap(path, structures=(*STRUCTURES, background)), structures=STRUCTURES)
    else:
        volume = read_volume(path)
        seeds = LabelMap(_labels(volume.array, path.name), volume.geometry)
    seeds = on_grid(seeds, geometry)
    if not seeds.array.any():
        raise InputError(f"'{path.name}' holds no seeds within the image.", remedy="Choose the seeds of this image.")
    return replace(seeds, info={"seeds": path.name})


def _labels(array: np.ndarray, name: str) -> np.ndarray:
    whole = np.rint(array)
    if (array != whole).any() or whole.min() < 0:
        raise InputError(f"'{name}' holds no seeds.", cause="Its values are not whole numbers of 0 or more.")
    known = [structure.label for structure in STRUCTURES]
    return np.where(np.isin(whole, [0, *known]), whole, BACKGROUND).astype(np.uint8)
