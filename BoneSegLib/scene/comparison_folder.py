"""A folder of the subject hierarchy for nodes that belong together."""

from __future__ import annotations

import slicer


def put_into_folder(nodes, name: str, *, beside) -> int:
    """A new folder next to the node ``beside``, with ``nodes`` in it; returns its item, 0 without a hierarchy."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    if hierarchy is None:
        return 0
    item = hierarchy.GetItemByDataNode(beside)
    parent = hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID()
    folder = hierarchy.CreateFolderItem(parent, name)
    try:
        for node in nodes:
            own = hierarchy.GetItemByDataNode(node)
            if own:
                hierarchy.SetItemParent(own, folder)
            else:
                # Slicer makes the items of nodes by itself; slicer-core does not.
                hierarchy.CreateItem(folder, node)
    except BaseException:
        remove_folder(folder)
        raise
    return int(folder)


def remove_folder(folder: int) -> None:
    """Removes a folder's item and those in it; their nodes stay unless Slicer's own rules take them along."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    if hierarchy is not None and folder:
        hierarchy.RemoveItem(folder, False, True)
