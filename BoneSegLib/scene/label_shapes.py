"""The shape of each label by ITK's label shape filter, on grids that it can measure rightly."""

from __future__ import annotations

import numpy as np
import vtk
import vtkITK
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from vtk.util.numpy_support import numpy_to_vtk

from BoneSegLib.scene.matrices import to_vtk
from BoneSegLib.volume import Geometry

_STATISTICS = (
    "Centroid",
    "OrientedBoundingBox",
    "Perimeter",
    "Roundness",
    "Flatness",
    "Elongation",
    "PrincipalMoments",
)
_NUMBERS = {
    "Perimeter": "surface_mm2",
    "Roundness": "roundness",
    "Flatness": "flatness",
    "Elongation": "elongation",
}
_VECTORS = {
    "Centroid": "centroid",
    "PrincipalMoments": "principal_moment",
    "OrientedBoundingBoxOrigin": "box_origin",
    "OrientedBoundingBoxSize": "box_size_mm",
    "OrientedBoundingBoxDirectionX": "box_axis_1",
    "OrientedBoundingBoxDirectionY": "box_axis_2",
    "OrientedBoundingBoxDirectionZ": "box_axis_3",
}
_SHEARED_DEGREES = 0.1
_FEW_POINTS = 100


def label_shapes(labels: np.ndarray, geometry: Geometry, values: list[int]) -> dict[int, dict[str, object]]:
    """For each of ``values`` that has voxels its measures in mm and RAS, by the names of `statistics_columns`.

    ``labels`` is kji on ``geometry``. The filter takes the axes of a sheared grid for orthogonal, so the labels are
    resampled there to an upright grid of the finest spacing.
    """
    wanted = np.where(np.isin(labels, values), labels, 0)
    if not wanted.any():
        return {}
    wanted, geometry = _cropped(wanted, geometry)
    if geometry.shear_degrees > _SHEARED_DEGREES:
        wanted, geometry = _upright(wanted, geometry)
    measuring = vtkITK.vtkITKLabelShapeStatistics()
    measuring.SetInputData(_image(wanted, geometry))
    directions = np.eye(4)
    directions[:3, :3] = geometry.directions
    measuring.SetDirections(to_vtk(directions))
    for statistic in _STATISTICS:
        measuring.ComputeShapeStatisticOn(statistic)
    measuring.Update()
    table = measuring.GetOutput()
    shapes = {}
    for row in range(table.GetNumberOfRows()):
        value = int(table.GetColumnByName("LabelValue").GetComponent(row, 0))
        shapes[value] = {**_measures(table, row), "feret_mm": _feret(wanted == value, geometry)}
    return shapes


def _measures(table, row: int) -> dict[str, object]:
    measured: dict[str, object] = {
        ours: float(table.GetColumnByName(theirs).GetComponent(row, 0)) for theirs, ours in _NUMBERS.items()
    }
    for theirs, ours in _VECTORS.items():
        column = table.GetColumnByName(theirs)
        measured[ours] = tuple(float(column.GetComponent(row, part)) for part in range(3))
    return measured


def _feret(mask: np.ndarray, geometry: Geometry) -> float:
    """The greatest distance between two voxel centres of the mask.

    ITK's own takes time with the square of the surface, minutes for a pelvis; the two voxels lie on the convex hull.
    """
    # The ends of each row of voxels hold all corners of the hull.
    ends = mask & ~(np.roll(mask, 1, axis=2) & np.roll(mask, -1, axis=2))
    points = np.argwhere(ends)[:, ::-1] @ geometry.ijk_to_ras[:3, :3].T
    if len(points) > _FEW_POINTS:
        # Flat sets of points have no hull in 3D; QJ lifts them by less than a rounding error.
        points = points[ConvexHull(points, qhull_options="QJ").vertices]
    return float(pdist(points).max()) if len(points) > 1 else 0.0


def _image(labels: np.ndarray, geometry: Geometry) -> vtk.vtkImageData:
    image = vtk.vtkImageData()
    image.SetDimensions(geometry.size)
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin)
    image.GetPointData().SetScalars(numpy_to_vtk(labels.ravel(), deep=True))
    return image


def _cropped(labels: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
    """The part that has labels, with one voxel of background around it, which the surface needs."""
    box = ndimage.find_objects((labels > 0).view(np.uint8))[0]
    cut = np.pad(labels[box], 1)
    start = np.eye(4)
    start[:3, 3] = [axis.start - 1 for axis in reversed(box)]
    return cut, Geometry((cut.shape[2], cut.shape[1], cut.shape[0]), geometry.ijk_to_ras @ start)


def _upright(labels: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
    """Resampled (nearest voxel) to the axes of the patient, with the finest spacing the grid has."""
    step = min(geometry.spacing)
    corners = geometry.corners()
    low = corners.min(axis=0) - step
    size = np.ceil((corners.max(axis=0) - low) / step).astype(int) + 2
    target = Geometry.from_spacing(
        (int(size[0]), int(size[1]), int(size[2])), (step, step, step), origin=(low[0], low[1], low[2])
    )
    # scipy goes from the output's kji to the input's kji.
    ijk = np.linalg.inv(geometry.ijk_to_ras) @ target.ijk_to_ras
    flipped = ijk[:3, :3][::-1, ::-1]
    moved = ndimage.affine_transform(
        labels, flipped, offset=ijk[:3, 3][::-1], output_shape=target.shape, order=0, mode="constant"
    )
    return moved, target
