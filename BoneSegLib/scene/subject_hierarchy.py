"""The place of a node in the subject hierarchy (patient, study, series)."""

from __future__ import annotations

import slicer


def place_beside(node, other) -> None:
    """Puts a node under the same parent (the study, mostly) as another."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    if hierarchy is None:
        return
    scene_item = hierarchy.GetSceneItemID()
    item = hierarchy.GetItemByDataNode(other)
    parent = hierarchy.GetItemParent(item) if item else scene_item
    own = hierarchy.GetItemByDataNode(node)
    if own:
        hierarchy.SetItemParent(own, parent)
    else:
        # Slicer makes the items of nodes by itself; slicer-core does not.
        hierarchy.CreateItem(parent, node)
