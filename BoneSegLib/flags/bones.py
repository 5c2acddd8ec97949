"""The bones of a label map, each cut out once for all that is asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from BoneSegLib.anatomy import Structure
from BoneSegLib.boxes import Box
from BoneSegLib.volume import Geometry, LabelMap

_EDGE_MM = 3.0
"""A bone that ends so near to the image's edge may go on behind it: networks see little of what lies at the edge."""

_POINTS_MM = 3.0


@dataclass(frozen=True, eq=False)
class Bone:
    """One bone that has voxels: its ``mask`` within ``box`` (kji slices) of the whole grid.

    ``seen``: the part of the grid (kji slices) that was looked at.
    """

    structure: Structure
    box: Box
    mask: np.ndarray
    geometry: Geometry
    seen: Box

    @cached_property
    def volume_ml(self) -> float:
        return int(np.count_nonzero(self.mask)) * self.geometry.voxel_volume / 1000.0

    @property
    def is_cut(self) -> bool:
        """Whether it reaches the edge of what was looked at."""
        return self.is_cut_by_image or self.is_cut_by_region

    @cached_property
    def is_cut_by_image(self) -> bool:
        """Whether it reaches the edge of the image."""
        return any(first or last for first, last in self._reached(whole(self.geometry)))

    @cached_property
    def is_cut_by_region(self) -> bool:
        """Whether it reaches an edge of what was looked at beyond which the image goes on."""
        ends = zip(self.seen, self.geometry.shape, strict=True)
        inner = [(part.start > 0, part.stop < size) for part, size in ends]
        reached = zip(self._reached(self.seen), inner, strict=True)
        return any(at and goes_on for ats, within in reached for at, goes_on in zip(ats, within, strict=True))

    def _reached(self, limits: Box) -> list[tuple[bool, bool]]:
        """Per axis, whether it reaches the first and the last of these limits."""
        steps = self.geometry.spacing[::-1]
        return [
            ((part.start - limit.start) * step < _EDGE_MM, (limit.stop - part.stop) * step < _EDGE_MM)
            for part, limit, step in zip(self.box, limits, steps, strict=True)
        ]

    @cached_property
    def center(self) -> np.ndarray:
        """The mean of its voxels, RAS mm."""
        kji = []
        for axis, part in enumerate(self.box):
            profile = np.count_nonzero(self.mask, axis=tuple(other for other in range(3) if other != axis))
            kji.append(part.start + float(profile @ np.arange(len(profile))) / float(profile.sum()))
        return _to_ras(np.array(kji), self.geometry)

    @cached_property
    def points(self) -> np.ndarray:
        """(n, 3) RAS mm of its voxels, thinned out to about 3 mm."""
        strides = [max(1, round(_POINTS_MM / step)) for step in self.geometry.spacing[::-1]]
        thinned = self.mask[tuple(slice(None, None, stride) for stride in strides)]
        kji = np.argwhere(thinned if thinned.any() else self.mask) * (strides if thinned.any() else [1, 1, 1])
        return _to_ras(kji + [part.start for part in self.box], self.geometry)

    def is_farther_than(self, limit_mm: float, other: Bone) -> bool:
        """Whether the two nearest voxels are farther apart, right to some millimetres."""
        from scipy.spatial import cKDTree

        ours, theirs = _near(self.points, other.points, limit_mm), _near(other.points, self.points, limit_mm)
        if not len(ours) or not len(theirs):
            return True
        return bool(np.isinf(cKDTree(ours).query(theirs, distance_upper_bound=limit_mm)[0]).all())


def _near(points: np.ndarray, others: np.ndarray, mm: float) -> np.ndarray:
    """The points in the box around others, grown by ``mm``."""
    return points[((points >= others.min(0) - mm) & (points <= others.max(0) + mm)).all(1)]


def bones_of(labels: LabelMap, seen: Box | None = None) -> dict[str, Bone]:
    """The structures that have voxels, by id. ``seen``: the part of the grid that was looked at, ``None`` for all."""
    from scipy import ndimage

    boxes = ndimage.find_objects(labels.array)
    found = {}
    for structure in labels.structures:
        box = boxes[structure.label - 1] if structure.label <= len(boxes) else None
        if box is not None:
            mask = labels.array[box] == structure.label
            found[structure.id] = Bone(
                structure, (box[0], box[1], box[2]), mask, labels.geometry, seen or whole(labels.geometry)
            )
    return found


def whole(geometry: Geometry) -> Box:
    """All of a grid."""
    k, j, i = geometry.shape
    return (slice(0, k), slice(0, j), slice(0, i))


def _to_ras(kji: np.ndarray, geometry: Geometry) -> np.ndarray:
    return kji[..., ::-1] @ geometry.ijk_to_ras[:3, :3].T + geometry.ijk_to_ras[:3, 3]
