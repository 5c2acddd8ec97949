"""Boxes on grids, as segmentations and label maps, for the tests of comparisons in the scene."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from BoneSegLib.volume import Geometry

ANISOTROPIC = Geometry.from_spacing((40, 30, 24), (0.5, 1.0, 2.5), origin=(5, -7, 11))
Span = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
BOX: Span = ((2, 12), (8, 20), (10, 26))
"""First and last + 1 along k, j, i: 10 x 12 x 16 voxels."""


def turned(geometry: Geometry, degrees: float) -> Geometry:
    """The same grid turned about an oblique axis."""
    return Geometry(geometry.size, rotation(degrees) @ geometry.ijk_to_ras)


def rotation(degrees: float) -> np.ndarray:
    """4x4, about an axis that is parallel to no side."""
    import vtk

    transform = vtk.vtkTransform()
    transform.RotateWXYZ(degrees, 1.0, 2.0, 0.5)
    matrix = transform.GetMatrix()
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def shifted(box: Span, k: int = 0, j: int = 0, i: int = 0) -> Span:
    (k0, k1), (j0, j1), (i0, i1) = box
    return (k0 + k, k1 + k), (j0 + j, j1 + j), (i0 + i, i1 + i)


def filled(geometry: Geometry, boxes: Mapping[int, Span]) -> np.ndarray:
    array = np.zeros(geometry.shape, np.uint8)
    for value, ((k0, k1), (j0, j1), (i0, i1)) in boxes.items():
        array[k0:k1, j0:j1, i0:i1] = value
    return array


def oriented(array: np.ndarray, geometry: Geometry):
    """A vtkOrientedImageData."""
    import slicer
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    from BoneSegLib.scene.matrices import to_vtk

    image = slicer.vtkOrientedImageData()
    image.SetDimensions(geometry.size)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image.SetGeometryFromImageToWorldMatrix(to_vtk(geometry.ijk_to_ras))
    vtk_to_numpy(image.GetPointData().GetScalars()).reshape(array.shape)[...] = array
    return image


def a_segmentation(
    geometry: Geometry,
    boxes: Mapping[str, Span | None],
    *,
    names: Mapping[str, str] | None = None,
    codes: Mapping[str, str] | None = None,
    name: str = "Segmentation",
):
    """A segment for each box by its id, in a layer of its own; ``None`` makes an empty one. The grid is noted."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    for segment_id, box in boxes.items():
        segment = slicer.vtkSegment()
        segment.SetName((names or {}).get(segment_id, segment_id))
        segment.SetTag(segment.GetTerminologyEntryTagName(), (codes or {}).get(segment_id, ""))
        array = filled(geometry, {} if box is None else {1: box})
        segment.AddRepresentation("Binary labelmap", oriented(array, geometry))
        segment.SetLabelValue(1)
        node.GetSegmentation().AddSegment(segment, segment_id)
    text = slicer.vtkSegmentationConverter.SerializeImageGeometry(oriented(filled(geometry, {}), geometry))
    node.GetSegmentation().SetConversionParameter(
        slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName(), text
    )
    return node


def a_label_map(geometry: Geometry, boxes: Mapping[int, Span], *, names: Mapping[int, str] | None = None):
    """A label map volume node; ``names`` come in a colour table of its own."""
    import slicer

    from BoneSegLib.scene.matrices import to_vtk

    node = slicer.util.addVolumeFromArray(
        filled(geometry, boxes), name="Labels", nodeClassName="vtkMRMLLabelMapVolumeNode"
    )
    node.SetIJKToRASMatrix(to_vtk(geometry.ijk_to_ras))
    node.CreateDefaultDisplayNodes()
    if names:
        colors = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", "Names")
        colors.SetTypeToUser()
        colors.SetNumberOfColors(max(names) + 1)
        for value, name in names.items():
            colors.SetColor(value, name, 1.0, 0.5, 0.5, 1.0)
        node.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    return node


def put_under(node, matrix: np.ndarray):
    """Gives a node a parent transform with a 4x4 matrix to the world."""
    import slicer

    from BoneSegLib.scene.matrices import to_vtk

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Parent")
    transform.SetMatrixTransformToParent(to_vtk(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return node


def translation(r: float = 0.0, a: float = 0.0, s: float = 0.0) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = r, a, s
    return matrix


def scene_state() -> dict[str, object]:
    """What a user would notice: nodes, their transforms, representations, and the subject hierarchy."""
    import slicer

    scene = slicer.mrmlScene
    # Asking for the hierarchy makes it.
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    state: dict[str, object] = {}
    for number in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(number)
        state[node.GetID()] = (
            node.GetName(),
            node.GetTransformNodeID() if node.IsA("vtkMRMLTransformableNode") else None,
            tuple((one, node.GetAttribute(one)) for one in node.GetAttributeNames() or ()),
        )
        if node.IsA("vtkMRMLSegmentationNode"):
            segmentation = node.GetSegmentation()
            representations = [
                segmentation.ContainsRepresentation(kind) for kind in ("Binary labelmap", "Closed surface")
            ]
            state[node.GetID() + " segments"] = (tuple(segmentation.GetSegmentIDs()), tuple(representations))
    state["items"] = hierarchy.GetNumberOfItems()
    return state


def forget_items() -> None:
    """Empties the subject hierarchy: outside Slicer, items outlive their nodes and disturb nodes at their addresses."""
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    hierarchy.RemoveAllItems(False)
