"""A volume node as the engine wants it."""

from __future__ import annotations

from vtk.util.numpy_support import vtk_to_numpy

from BoneSegLib.errors import InputError
from BoneSegLib.scene.matrices import node_geometry
from BoneSegLib.scene.usable import require_numbers, require_solid
from BoneSegLib.volume import Volume


def volume_from_node(node) -> Volume:
    """The node's voxels (a view, kji: not a copy, so not to be written to) and its grid (ijk to RAS mm).

    The parent transform is left out: the result is put under the same one, where it moves along with the image.
    Raises `InputError` for no node, no image, several components, a flat image, or values that are not numbers.
    """
    if node is None or not node.IsA("vtkMRMLScalarVolumeNode"):
        raise InputError("There is no volume.", remedy="Choose a CT volume.")
    name = node.GetName() or "volume"
    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or image.GetNumberOfPoints() == 0:
        raise InputError(f"'{name}' holds no voxels.", remedy="Load the CT again.")
    if image.GetNumberOfScalarComponents() != 1:
        raise InputError(
            f"'{name}' is a colour or vector image.",
            cause=f"It has {image.GetNumberOfScalarComponents()} values a voxel.",
            remedy="Choose a CT volume.",
        )
    geometry = node_geometry(node)
    require_solid(geometry, name)
    array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(geometry.shape)
    require_numbers(array, name)
    return Volume(array, geometry, name=name)
