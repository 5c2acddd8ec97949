"""One pair of files as an image and what was drawn on it, on the image's grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.anatomy import foreign_structure
from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.grids import on_grid
from BoneSegLib.headless.read import SEGMENTATION_SUFFIXES, read_volume
from BoneSegLib.label_rules import LabelRules
from BoneSegLib.training.data.source import Pair, Source
from BoneSegLib.volume import Geometry, LabelMap, Volume

_GRID_TOLERANCE = 0.01
"""Share of a voxel by which corners of image and labels may differ: headers are written with few digits."""


@dataclass(frozen=True, eq=False)
class DrawnCase:
    """``drawn``: values (integers, kji) on the grid of ``image``; ``segments``: the names that each value goes by.

    ``by_name``: the values mean nothing by themselves, as those of segments.
    """

    name: str
    image: Volume
    drawn: NDArray
    segments: Mapping[int, tuple[str, ...]]
    by_name: bool = False

    def labels(self, rules: LabelRules) -> LabelMap:
        """As labels 1, 2, 3, ... with the names of the rules."""
        structures = tuple(foreign_structure(label, name) for label, name in enumerate(rules.names, start=1))
        return LabelMap(rules.apply(self.drawn, self.segments, by_name=self.by_name), self.image.geometry, structures)


def read_case(pair: Pair, source: Source) -> DrawnCase:
    """Reads both files. Raises `InputError` for unusable ones and for a label map on another grid."""
    image = read_volume(pair.image)
    if pair.labels.name.lower().endswith(SEGMENTATION_SUFFIXES):
        from BoneSegLib.headless.read_segments import read_segments

        labels, names = read_segments(pair.labels, image.geometry)
        segments = {one.label: (one.id, names[one.label]) for one in labels.structures}
        return DrawnCase(pair.name, image, labels.array, segments, by_name=True)
    volume = read_volume(pair.labels)
    array = _whole_numbers(volume.array, pair)
    drawn = on_grid(LabelMap(array, volume.geometry), _same_grid(volume.geometry, image.geometry, pair)).array
    return DrawnCase(pair.name, image, drawn, {value: (name,) for name, value in source.label_names.items()})


def _whole_numbers(array: NDArray, pair: Pair) -> NDArray:
    whole = array.dtype.kind in "iub" or np.array_equal(array, np.rint(array))
    if not whole or array.min() < 0 or array.max() > 65535:
        raise InputError(
            f"'{pair.labels.name}' is not a label map.",
            cause=f"Its values go from {array.min():g} to {array.max():g}.",
            remedy="Give whole numbers, 0 being the background.",
        )
    return array.astype(np.uint8 if array.max() < 256 else np.uint16)


def _same_grid(labels: Geometry, image: Geometry, pair: Pair) -> Geometry:
    """The image's grid, if the labels have the same voxels, stored in whatever order of axes."""
    ours, theirs = image.corners(), labels.corners()
    apart = np.linalg.norm(ours[:, None] - theirs[None], axis=-1).min(axis=1).max()
    if sorted(labels.size) != sorted(image.size) or apart > _GRID_TOLERANCE * min(image.spacing):
        raise InputError(
            f"Image and labels of case '{pair.name}' lie on different grids.",
            cause=f"'{pair.image.name}': {_described(image)}; '{pair.labels.name}': {_described(labels)}; "
            f"corners up to {apart:.3g} mm apart.",
            remedy="Export the labels on the grid of their image (in Slicer: the image as reference volume).",
        )
    return image


def _described(grid: Geometry) -> str:
    size = " x ".join(str(n) for n in grid.size)
    return f"{size} voxels of {' x '.join(f'{step:.3g}' for step in grid.spacing)} mm"
