"""Seeds out of a file."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from BoneSegLib.anatomy import STRUCTURES, foreign_structure, select_structures
from BoneSegLib.baselines.seeds import BACKGROUND
from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.grids import on_grid
from BoneSegLib.label_options import TOTALSEGMENTATOR
from BoneSegLib.label_rules import LabelRules, refuse_totalsegmentator
from BoneSegLib.volume import Geometry, LabelMap


def read_seeds(path: Path, geometry: Geometry, *, rules: LabelRules | None = None) -> LabelMap:
    """Seeds from a segmentation or label map, on ``geometry`` (nearest voxel).

    In a ``.seg.nrrd`` a segment called "Background" holds the background seeds; in a label map every value that is no
    structure's does. ``rules`` say which values of a label map are which structure's (``None``: BoneSeg's own). The
    ``info`` of the seeds tells the share of the bones' seeds that lies outside of ``geometry``. Raises `InputError`
    when there are no seeds at all, and where the values are plainly TotalSegmentator's and no ``rules`` say so;
    `UsageError` for rules that name another structure.
    """
    from BoneSegLib.headless.read import SEGMENTATION_SUFFIXES, read_labelmap, read_volume

    if path.name.lower().endswith(SEGMENTATION_SUFFIXES):
        background = foreign_structure(BACKGROUND, "background")
        seeds = replace(read_labelmap(path, structures=(*STRUCTURES, background)), structures=STRUCTURES)
    else:
        volume = read_volume(path)
        seeds = LabelMap(_labels(volume.array, path.name, rules), volume.geometry)
    drawn = _bones_mm3(seeds)
    seeds = on_grid(seeds, geometry)
    if not seeds.array.any():
        raise InputError(f"'{path.name}' holds no seeds within the image.", remedy="Choose the seeds of this image.")
    outside = max(0.0, 1 - _bones_mm3(seeds) / drawn) if drawn else 0.0
    return replace(seeds, info={"seeds": path.name, "seeds_outside": round(outside, 3)})


def _bones_mm3(seeds: LabelMap) -> float:
    bones = np.count_nonzero((seeds.array != 0) & (seeds.array != BACKGROUND))
    return bones * math.prod(seeds.geometry.spacing)


def _labels(array: np.ndarray, name: str, rules: LabelRules | None) -> np.ndarray:
    whole = np.rint(array)
    if (array != whole).any() or whole.min() < 0:
        raise InputError(f"'{name}' holds no seeds.", cause="Its values are not whole numbers of 0 or more.")
    if rules is None:
        meaning = {structure.label: structure.label for structure in STRUCTURES}
        strange = {int(value) for value in np.unique(whole)} - {0, *meaning}
        refuse_totalsegmentator(strange, f"'{name}'", remedy=f"Say so: --seed-labels {TOTALSEGMENTATOR}.")
    else:
        meaning = rules.values_of(select_structures(rules.names))
    labels = np.where(whole != 0, BACKGROUND, 0).astype(np.uint8)
    for value, label in meaning.items():
        labels[whole == value] = label
    return labels
