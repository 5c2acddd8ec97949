"""Edges of bones, decided anew from the CT at full resolution: a network's voxels are larger than the image's.

One step of a localised region-based contour: near an edge, a voxel belongs to bone if its brightness is nearer to the
mean of the bone around it than to the mean of the surroundings around it (Lankton S, Tannenbaum A, "Localizing
region-based active contours", IEEE Trans. Image Processing 17 (2008) 2029-2039), with a pull towards the edge that the
network saw. A bone's edge is its cortex, brighter than its mean, so the middle between both means lies outside of it: a
voxel has to be brighter than that. Grow-cut in the same band was tried and gained less (docs/metrics.md).

Arrays are kji, ``spacing`` is mm along k, j, i.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.boxes import Box, box_around
from BoneSegLib.errors import Cancelled
from BoneSegLib.options import IsCancelled, never_cancelled

HU_RANGE = (-200.0, 800.0)
"""Brighter and darker voxels count as these: metal and air must not drag the means along."""

LEAST_CONTRAST_HU = 60.0
"""Where bone and surroundings differ by less, the image has less of a say."""

_APART_MM = 3.0
"""Means are taken of voxels so far apart, half of what they are smoothed over."""
_SLAB = 32
"""Planes worked on at once: memory does not grow with the scan."""

Spacing = tuple[float, float, float]
Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class RefineOptions:
    """How edges may move.

    ``band_mm``: no farther than this from where they were; half a voxel of the network. ``around_mm``: the standard
    deviation of the Gaussian window in which the means are taken. ``pull``: the weight of the old edge; with 1, at the
    far side of the band it outweighs a voxel that looks exactly like the other side. ``brighter``: by how much a voxel
    on the old edge has to be brighter than the middle between both means; 1 is the mean of bone.
    """

    band_mm: float = 1.6
    around_mm: float = 4.0
    pull: float = 0.5
    brighter: float = 0.2


def refine_edges(
    image: np.ndarray,
    labels: NDArray[np.uint8],
    spacing: Spacing,
    *,
    options: RefineOptions | None = None,
    is_cancelled: IsCancelled = never_cancelled,
) -> None:
    """Moves every edge between a label and background in ``labels`` within a band, in place; ``image`` is in HU.

    All labels are bones. Bright edges between two of them stay; what bone gains goes to the nearest label.
    Raises `Cancelled`.
    """
    options = options or RefineOptions()
    box = box_around(labels > 0, 3 * options.around_mm, spacing)
    if box is None:
        return
    image, old = image[box], labels[box].copy()
    new = labels[box]
    bone, tissue, steps = _local_means(image, old, spacing, options.around_mm)
    for part, within in _slabs(old, spacing, options.band_mm):
        if is_cancelled():
            raise Cancelled
        places, depth = _band(old[part], within, spacing, options.band_mm)
        places += [axis.start for axis in part]
        at = tuple(places.T)
        cells = (places / steps).T
        hu = np.clip(image[at].astype(np.float32), *HU_RANGE)
        like, unlike = _read(bone, cells), _read(tissue, cells)
        likeness = (2 * hu - like - unlike) / np.maximum(like - unlike, LEAST_CONTRAST_HU)  # 1 is bone, -1 is not
        belongs = np.clip(likeness, -1.5, 1.5) + options.pull * depth / options.band_mm > options.brighter
        new[tuple(places[(depth > 0) & ~belongs].T)] = 0
        reach = int(np.ceil(options.band_mm / min(spacing))) + 1
        _give(places[(depth < 0) & belongs], old, new, reach=reach)


def _local_means(
    image: np.ndarray, labels: NDArray[np.uint8], spacing: Spacing, around_mm: float
) -> tuple[Floats, Floats, NDArray[np.int_]]:
    """Mean HU of bone and of all else around every n-th voxel, and n along each axis."""
    from scipy import ndimage

    steps = np.array([max(1, round(_APART_MM / step)) for step in spacing])
    thinned = tuple(slice(None, None, int(step)) for step in steps)
    hu, bone = np.clip(image[thinned].astype(np.float32), *HU_RANGE), (labels[thinned] > 0).astype(np.float32)
    sigma = [around_mm / (step * n) for step, n in zip(spacing, steps, strict=True)]

    def mean(weights: Floats) -> Floats:
        total, weight = (ndimage.gaussian_filter(each, sigma, truncate=3.0) for each in (hu * weights, weights))
        return np.asarray(total / np.maximum(weight, 1e-3))

    return mean(bone), mean(1 - bone), steps


def _slabs(labels: NDArray[np.uint8], spacing: Spacing, band_mm: float) -> Iterator[tuple[Box, Box]]:
    """The parts of the array that hold bone, with a margin around each, and where the part lies within that."""
    margin = [int(np.ceil(band_mm / step)) + 1 for step in spacing]
    for start in range(0, len(labels), _SLAB):
        planes = slice(max(0, start - margin[0]), min(len(labels), start + _SLAB + margin[0]))
        found = box_around(labels[planes] > 0, 0.0, (1.0, 1.0, 1.0))
        if found is None:
            continue
        _, j, i = (
            slice(max(0, axis.start - 2 * edge), min(size, axis.stop + 2 * edge))
            for axis, edge, size in zip(found, margin, labels.shape, strict=True)
        )
        inner = slice(start - planes.start, min(start + _SLAB, len(labels)) - planes.start)
        yield (planes, j, i), (inner, slice(None), slice(None))


def _band(labels: NDArray[np.uint8], within: Box, spacing: Spacing, band_mm: float) -> tuple[NDArray[np.int_], Floats]:
    """The voxels (n, 3) ``within`` a part that are nearer than that to an edge, and their depth below it in mm.

    A bone's edge is where any other label begins too: the dark space of a joint between two may open.
    """
    from scipy import ndimage

    half = min(spacing) / 2  # the edge runs half a voxel from the middles on either side of it
    reach = band_mm + half
    parts = int(_FAR / 2 / reach**2)
    squared = _squared(labels > 0, spacing, reach, parts)
    margin = [int(np.ceil(reach / step)) + 1 for step in spacing]
    for number, found in enumerate(ndimage.find_objects(labels), start=1):
        if found is None:
            continue
        box = tuple(slice(max(0, at.start - edge), at.stop + edge) for at, edge in zip(found, margin, strict=True))
        inside = labels[box] == number
        squared[box][inside] = _squared(~inside, spacing, reach, parts)[inside]
    places = np.argwhere(squared[within] <= reach**2 * parts)
    places += [axis.start or 0 for axis in within]
    at = tuple(places.T)
    distance = np.sqrt(squared[at].astype(np.float32) / parts) - half
    return places, np.where(labels[at] > 0, distance, -distance).astype(np.float32)


_FAR = 32767


def _squared(there: NDArray[np.bool_], spacing: Spacing, reach_mm: float, parts: int) -> NDArray[np.uint16]:
    """Squared distance of each voxel to the nearest one that is ``there``, in ``parts`` of a mm2, within ``reach_mm``.

    A minimum over parabolas, one axis after the other (Felzenszwalb P, Huttenlocher D, "Distance transforms of sampled
    functions", Theory of Computing 8 (2012) 415-428): of a few voxels and two bytes each, a tenth of the time of a full
    transform.
    """
    squared = np.where(there, np.uint16(0), np.uint16(_FAR))
    for axis, step in enumerate(spacing):
        before = np.moveaxis(squared, axis, 0)
        after = before.copy()
        for away in range(1, min(int(reach_mm / step), len(before) - 1) + 1):
            farther = before + np.uint16(round((away * step) ** 2 * parts))
            np.minimum(after[away:], farther[:-away], out=after[away:])
            np.minimum(after[:-away], farther[away:], out=after[:-away])
        squared = np.moveaxis(after, 0, axis)
    return squared


def _read(cells: Floats, places: NDArray[np.float64]) -> Floats:
    from scipy import ndimage

    return np.asarray(ndimage.map_coordinates(cells, places, order=1, mode="nearest", output=np.float32))


def _give(places: NDArray[np.int_], old: NDArray[np.uint8], new: NDArray[np.uint8], *, reach: int) -> None:
    """Gives each place (n, 3) the label that is nearest to it through other such places, within ``reach`` steps."""
    around = np.array([(dk, dj, di) for dk in (-1, 0, 1) for dj in (-1, 0, 1) for di in (-1, 0, 1) if dk or dj or di])
    around = around[np.argsort(np.abs(around).sum(1), kind="stable")]
    last = np.array(old.shape) - 1
    known = old
    for _ in range(reach):
        if not len(places):
            return
        found = np.zeros(len(places), dtype=np.uint8)
        for offset in around:
            beside = np.clip(places[found == 0] + offset, 0, last)
            found[found == 0] = known[tuple(beside.T)]
        new[tuple(places[found > 0].T)] = found[found > 0]
        places = places[found == 0]
        known = new
