"""A `Volume` as a new volume node."""

from __future__ import annotations

import slicer
import vtk
from vtk.util.numpy_support import get_vtk_array_type, vtk_to_numpy

from BoneSegLib.scene.matrices import to_vtk
from BoneSegLib.scene.usable import compact
from BoneSegLib.volume import Volume


def add_volume_node(volume: Volume, *, name: str | None = None):
    """Adds a scalar volume node with the same voxels and grid (sheared and left-handed ones included)."""
    array = compact(volume.array)
    image = vtk.vtkImageData()
    image.SetDimensions(volume.geometry.size)
    image.AllocateScalars(get_vtk_array_type(array.dtype), 1)
    vtk_to_numpy(image.GetPointData().GetScalars()).reshape(array.shape)[...] = array
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name or volume.name or "CT")
    node.SetIJKToRASMatrix(to_vtk(volume.geometry.ijk_to_ras))
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    return node
