"""The surfaces of labelled bones: closed, smooth, as large as the bones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from BoneSegLib.anatomy import Structure
from BoneSegLib.meshes.solid import enclosed_volume, outward_normals
from BoneSegLib.volume import LabelMap

_TO_LPS = np.array([-1.0, -1.0, 1.0])
# Smoothing rounds edges off; the volume is put back in so many steps of moving the surface along its normals.
_STEPS = 3


@dataclass(frozen=True, eq=False)
class Mesh:
    """The surface of one structure.

    ``points`` (n, 3): float32 LPS mm, as DICOM has them. ``triangles`` (m, 3): uint32 indices into the points,
    counter-clockwise seen from outside.
    """

    structure: Structure
    points: np.ndarray
    triangles: np.ndarray


def make_meshes(labels: LabelMap, *, smooth: bool = True) -> Iterator[Mesh]:
    """A mesh for each structure that has voxels, in their order, one at a time.

    The surface runs halfway between voxel centres, closed where the bone reaches the edge of the image. ``smooth``
    takes the steps of the voxels away (windowed sinc, which does not shrink) and keeps the volume of the voxels.
    """
    from scipy.ndimage import find_objects

    boxes = find_objects(labels.array, max_label=max((one.label for one in labels.structures), default=0))
    for structure in labels.structures:
        box = boxes[structure.label - 1]
        if box is not None:
            yield _mesh(labels, structure, box, smooth=smooth)


def _mesh(labels: LabelMap, structure: Structure, box: tuple[slice, slice, slice], *, smooth: bool) -> Mesh:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    from BoneSegLib.evaluation.surface_mesh import mask_polydata

    mask = labels.array[box] == structure.label
    surface = mask_polydata(mask, box, labels.geometry, smooth=smooth)
    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64) * _TO_LPS
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.uint32)
    if smooth:
        points = _with_volume(points, triangles, np.count_nonzero(mask) * labels.geometry.voxel_volume)
    return Mesh(structure, points.astype(np.float32), triangles)


def _with_volume(points: np.ndarray, triangles: np.ndarray, volume: float) -> np.ndarray:
    """The surface moved along its normals, everywhere by the same distance, until it encloses ``volume`` mm3."""
    for _ in range(_STEPS):
        normals, area = outward_normals(points, triangles)
        points = points + normals * ((volume - enclosed_volume(points, triangles)) / area)
    return points
