"""Surfaces in the 3D view, coloured by their distance from a reference."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from BoneSegLib.evaluation.surface_mesh import DISTANCE, surface_distance_polydata
from BoneSegWidgets.texts import boneName

LIMIT_MM = 5.0
"""The colours reach this far inside and outside."""


def makeDistanceModels(reference, test, testName: str) -> list:
    """A model node for each bone that both have, in one folder of the subject hierarchy."""
    nodes = []
    for structure in reference.structures:
        if not all((labels.array == structure.label).any() for labels in (reference, test)):
            continue
        surface = surface_distance_polydata(reference, test, structure.id)
        name = _("{bone} distance (mm)").format(bone=boneName(structure.id, structure.name))
        nodes.append(_addModel(surface, name))
    _putIntoFolder(nodes, _("{name}: distances").format(name=testName))
    return nodes


def _addModel(surface, name: str):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", name)
    node.SetAndObservePolyData(surface)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetActiveScalarName(DISTANCE)
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeFileDivergingBlueRed.txt")
    display.SetScalarRangeFlag(slicer.vtkMRMLDisplayNode.UseManualScalarRange)
    display.SetScalarRange(-LIMIT_MM, LIMIT_MM)
    display.SetScalarVisibility(True)
    return node


def _putIntoFolder(nodes, name: str) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    if hierarchy is None or not nodes:
        return
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), name)
    for node in nodes:
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.SetItemParent(item, folder)
