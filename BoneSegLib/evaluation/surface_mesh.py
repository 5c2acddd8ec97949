"""The surface of one segmentation, coloured by its distance from the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.grids import on_grid
from BoneSegLib.evaluation.overlap import Box, count_overlap
from BoneSegLib.volume import Geometry, LabelMap

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

DISTANCE = "DistanceMm"
"""The name of the point scalars: mm to the other surface, negative where the test lies inside the reference."""

SMOOTHING_STEPS = 15
PASS_BAND = 0.1
"""Windowed-sinc smoothing that takes the voxels' steps away and, unlike Laplacian smoothing, does not shrink."""


def surface_distance_polydata(
    reference: LabelMap, test: LabelMap, structure: str, *, smooth: bool = True
) -> vtkPolyData:
    """The surface of ``structure`` (its id) in ``test``, in RAS mm, with the scalars `DISTANCE`.

    The distance goes from each vertex to the nearest vertex of the reference's surface, made the same way, so that two
    equal segmentations are 0 apart everywhere. It shows where, `compare_labelmaps` tells how much. Raises `InputError`
    when the structure is missing from either.
    """
    from scipy.spatial import cKDTree
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    label = {each.id: each.label for each in reference.structures}.get(structure)
    if label is None:
        raise InputError(f"'{structure}' is none of the structures of the reference.")
    moved = on_grid(test, reference.geometry)
    box = count_overlap(reference.array, moved.array, [label]).boxes[0]
    masks = [] if box is None else [labels.array[box] == label for labels in (reference, moved)]
    if box is None or not all(mask.any() for mask in masks):
        raise InputError(f"'{structure}' is not in both segmentations, so its surfaces have no distance.")
    ours, theirs = (mask_polydata(mask, box, reference.geometry, smooth=smooth) for mask in masks)
    points = vtk_to_numpy(theirs.GetPoints().GetData())
    distance = cKDTree(vtk_to_numpy(ours.GetPoints().GetData())).query(points)[0]
    inside = _inside(masks[0], box, reference.geometry, points)
    scalars = numpy_to_vtk(np.where(inside, -distance, distance).astype(np.float32), deep=True)
    scalars.SetName(DISTANCE)
    theirs.GetPointData().SetScalars(scalars)
    return theirs


def mask_polydata(mask: np.ndarray, box: Box, geometry: Geometry, *, smooth: bool = True) -> vtkPolyData:
    """The closed surface of a mask (kji, bool) that fills ``box`` of a grid, in RAS mm, normals pointing outwards."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkReverseSense, vtkWindowedSincPolyDataFilter
    from vtkmodules.vtkFiltersGeneral import vtkDiscreteFlyingEdges3D

    padded = np.pad(mask, 1).astype(np.uint8)  # air around it, so that the surface is closed at the image's edge
    image = vtkImageData()
    image.SetDimensions(*padded.shape[::-1])
    image.SetOrigin(*(span.start - 1 for span in reversed(box)))
    image.GetPointData().SetScalars(numpy_to_vtk(padded.ravel(), deep=True))
    edges = vtkDiscreteFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 1)
    edges.ComputeNormalsOff()
    edges.ComputeGradientsOff()
    edges.ComputeScalarsOff()
    last = edges
    if smooth:
        last = vtkWindowedSincPolyDataFilter()
        last.SetInputConnection(edges.GetOutputPort())
        last.SetNumberOfIterations(SMOOTHING_STEPS)
        last.SetPassBand(PASS_BAND)
        last.BoundarySmoothingOff()
        last.NonManifoldSmoothingOn()
        last.NormalizeCoordinatesOn()
    if geometry.is_left_handed:
        turned = vtkReverseSense()
        turned.SetInputConnection(last.GetOutputPort())
        last = turned
    last.Update()
    surface = last.GetOutput()
    ijk = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    matrix = geometry.ijk_to_ras
    ras = ijk @ matrix[:3, :3].T + matrix[:3, 3]
    surface.GetPoints().SetData(numpy_to_vtk(ras.astype(np.float32), deep=True))
    return surface


def _inside(mask: np.ndarray, box: Box, geometry: Geometry, points: np.ndarray) -> np.ndarray:
    """Whether the voxel around each point (n, 3, RAS mm) belongs to a mask that fills ``box``."""
    inverse = np.linalg.inv(geometry.ijk_to_ras)
    kji = (points @ inverse[:3, :3].T + inverse[:3, 3])[:, ::-1] - [span.start for span in box]
    places = np.floor(kji + 0.5).astype(int)
    within = ((places >= 0) & (places < mask.shape)).all(axis=1)
    result = np.zeros(len(points), dtype=bool)
    result[within] = mask[tuple(places[within].T)]
    return result
