"""Labels as segments: one shared layer, each segment with its name, colour and code (where it has one)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from BoneSegLib.anatomy import Structure
from BoneSegLib.errors import InternalError
from BoneSegLib.scene.matrices import to_vtk
from BoneSegLib.scene.terminology import terminology_entry
from BoneSegLib.volume import LabelMap, count_labels


def binary_labelmap() -> str:
    """The name of the representation that holds voxels."""
    return slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()


def make_segments(labels: LabelMap, structures: Sequence[Structure]) -> list[tuple[str, object]]:
    """(segment id, vtkSegment) for each structure; one without voxels becomes an empty segment of the same layer.

    Label values in the layer are those of the label map. Raises `InternalError` for other values.
    """
    layer = _layer(labels, structures)
    made = []
    for structure in structures:
        segment = slicer.vtkSegment()
        segment.SetName(structure.name)
        segment.SetColor([part / 255 for part in structure.color])
        if structure.code:
            segment.SetTag(segment.GetTerminologyEntryTagName(), terminology_entry(structure))
        segment.AddRepresentation(binary_labelmap(), layer)
        segment.SetLabelValue(structure.label)
        made.append((structure.id, segment))
    return made


def _layer(labels: LabelMap, structures: Sequence[Structure]):
    """The labels of these structures as a vtkOrientedImageData on the whole grid."""
    if labels.array.dtype != np.uint8:
        raise InternalError("The labels are not uint8.", cause=f"They are {labels.array.dtype}.")
    present = {int(value) for value in np.flatnonzero(count_labels(labels.array))}
    unknown = present - {0} - {structure.label for structure in labels.structures}
    if unknown:
        raise InternalError("The labels hold values that stand for no structure.", cause=f"They are {sorted(unknown)}.")
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(labels.geometry.size)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image.SetGeometryFromImageToWorldMatrix(to_vtk(labels.geometry.ijk_to_ras))
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(labels.array.shape)
    voxels[...] = labels.array
    unwanted = present - {0} - {structure.label for structure in structures}
    if unwanted:
        voxels[np.isin(voxels, sorted(unwanted))] = 0
    return image
