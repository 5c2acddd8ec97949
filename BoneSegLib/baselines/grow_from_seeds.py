"""Grow from seeds: Slicer's grow-cut, run as its Segment Editor runs it.

Zhu L, Kolesov I, Gao Y, Kikinis R, Tannenbaum A, "An effective interactive medical image segmentation method using
fast GrowCut", MICCAI Workshop on Interactive Medical Image Computing, 2014.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from BoneSegLib.baselines.seeds import BACKGROUND
from BoneSegLib.errors import Cancelled, InputError, MissingError, ResourceError
from BoneSegLib.options import IsCancelled, Progress, never_cancelled, no_progress
from BoneSegLib.volume import LabelMap, Volume

BYTES_PER_VOXEL = 40
"""What grow-cut and its copies need, measured (31 for the filter itself)."""


@dataclass(frozen=True, kw_only=True)
class GrowOptions:
    """How to grow.

    ``margin``: the region is the box around all seeds, wider on each side by this share of its size and by three voxels
    at least; 0.2 is the Segment Editor's (0.1 in its first preview of a session). ``locality``: its "seed locality", a
    penalty per mm of way. ``shortcut``: leave out voxels that only background can reach; two to three times as fast,
    and the same result but for a few voxels in a million that two seeds reach equally well.
    """

    margin: float = 0.2
    locality: float = 0.0
    shortcut: bool = False


def grow_from_seeds(
    volume: Volume,
    seeds: LabelMap,
    *,
    options: GrowOptions | None = None,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
) -> LabelMap:
    """Grow ``seeds`` (structures' labels, `BACKGROUND`, 0; on the volume's grid) over the image.

    Each voxel of the region takes the seed that reaches it over the smallest changes in brightness; background becomes
    0, and so does everything outside the region. Cannot be stopped while the filter runs. Raises `InputError` when
    fewer than two kinds of seed are there or the grids differ, `ResourceError` when memory does not suffice,
    `MissingError` without Slicer's runtime.
    """
    options = options or GrowOptions()
    started = time.perf_counter()
    if not seeds.geometry.matches(volume.geometry):
        raise InputError("The seeds lie on another grid than the image.", remedy="Resample them to the image's grid.")
    kinds = np.flatnonzero(np.bincount(seeds.array.ravel(), minlength=256)[1:]) + 1
    if len(kinds) < 2:
        raise InputError(
            "Growing needs seeds of two structures at least.",
            cause="There are none." if not len(kinds) else "There is only one; background counts as one too.",
            remedy="Add seeds in the background.",
        )
    box = region(seeds.array, margin=options.margin)
    if is_cancelled():
        raise Cancelled
    progress(0.1, "Growing from seeds")
    grown = _grow_cut(volume.array[box], seeds.array[box], volume.geometry.spacing, options)
    if is_cancelled():
        raise Cancelled
    labels = np.zeros(seeds.array.shape, dtype=np.uint8)
    labels[box] = np.where(grown == BACKGROUND, 0, grown)
    progress(1.0, "Grown")
    info = {
        "method": "grow from seeds",
        "seeds": seeds.info.get("seeds", "given"),
        "region_voxels": int(grown.size),
        "seconds": time.perf_counter() - started,
    }
    return replace(seeds, array=labels, info=info)


def region(seeds: np.ndarray, *, margin: float) -> tuple[slice, slice, slice]:
    """The kji box that the Segment Editor grows in: around all seeds, wider by ``margin`` of its extent."""
    spans = []
    for axis in range(3):
        along = np.flatnonzero(seeds.any(axis=tuple(other for other in range(3) if other != axis)))
        first, last = int(along[0]), int(along[-1])
        more = int(max(3, margin * (last - first)))
        spans.append(slice(max(0, first - more), min(seeds.shape[axis], last + more + 1)))
    return spans[0], spans[1], spans[2]


def certain_background(seeds: np.ndarray) -> np.ndarray:
    """Voxels (kji, bool) without a seed that only background seeds can reach.

    They need no growing, for nothing passes through a closed shell of seeds, and the filter's time goes by the voxels
    that it visits.
    """
    from scipy import ndimage

    neighbours = np.ones((3, 3, 3), dtype=bool)  # grow-cut walks to all 26
    parts, n = ndimage.label(seeds == 0, structure=neighbours)
    beside = ndimage.binary_dilation((seeds != 0) & (seeds != BACKGROUND), structure=neighbours)
    certain = np.ones(n + 1, dtype=bool)
    certain[np.unique(parts[beside])] = False
    certain[0] = False
    return certain[parts]


def _grow_cut(
    image: np.ndarray, seeds: np.ndarray, spacing: tuple[float, float, float], options: GrowOptions
) -> np.ndarray:
    """Slicer's filter on arrays (kji) of one shape."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    grow_cut = _filter()
    grow_cut.SetIntensityVolume(_image_data(image, spacing))
    grow_cut.SetSeedLabelVolume(_image_data(seeds, spacing))
    grow_cut.SetDistancePenalty(options.locality)
    if options.shortcut:
        grow_cut.SetMaskVolume(_image_data(certain_background(seeds).astype(np.uint8), spacing))
    try:
        grow_cut.Update()
        grown = vtk_to_numpy(grow_cut.GetOutput().GetPointData().GetScalars())
    except (MemoryError, AttributeError) as error:  # without memory, VTK prints and gives an output without scalars
        raise ResourceError(
            "Growing from seeds ran out of memory.",
            cause=f"{image.size / 1e6:.0f} million voxels need about {image.size * BYTES_PER_VOXEL / 2**30:.1f} GB.",
            remedy="Crop the image or resample it to larger voxels.",
        ) from error
    return grown.reshape(seeds.shape).copy()


def _filter():
    """The grow-cut filter of this Slicer: vtkITK's, or the one of the Segmentations module before it."""
    from BoneSegLib.headless.runtime import ensure_runtime

    slicer = ensure_runtime()
    try:
        from vtkITK import vtkITKGrowCut

        return vtkITKGrowCut()
    except ImportError:
        pass
    try:
        return slicer.vtkImageGrowCutSegment()
    except AttributeError as error:
        raise MissingError(
            "This Slicer has no grow-cut filter.", remedy="Use 3D Slicer 5.10 or newer, or slicer-core."
        ) from error


def _image_data(array: np.ndarray, spacing: tuple[float, float, float]):
    """A vtkImageData of its own memory; the axes' directions do not matter to grow-cut."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    image = vtkImageData()
    image.SetDimensions(*array.shape[::-1])
    image.SetSpacing(*spacing)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(array).ravel(), deep=True))
    return image
