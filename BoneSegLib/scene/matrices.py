"""Geometries as VTK has them."""

from __future__ import annotations

import numpy as np
import vtk

from BoneSegLib.volume import Geometry


def to_vtk(matrix: np.ndarray) -> vtk.vtkMatrix4x4:
    result = vtk.vtkMatrix4x4()
    result.DeepCopy(np.asarray(matrix, dtype=float).ravel())
    return result


def to_numpy(matrix: vtk.vtkMatrix4x4) -> np.ndarray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def node_geometry(volume_node) -> Geometry:
    """The grid of a volume node, without its parent transform."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return Geometry(volume_node.GetImageData().GetDimensions(), to_numpy(matrix))


def image_geometry(image) -> Geometry:
    """The grid of a vtkOrientedImageData, whose extent may begin anywhere."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    start = np.eye(4)
    start[:3, 3] = image.GetExtent()[0::2]
    return Geometry(image.GetDimensions(), to_numpy(matrix) @ start)
