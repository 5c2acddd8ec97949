"""A scene that is after each case as it was before it, however many cases there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from BoneSegLib.headless.runtime import ensure_runtime


@contextmanager
def scene_kept() -> Iterator[None]:
    """Removes the nodes that were added inside, and their items of the subject hierarchy.

    Slicer removes the items by itself; slicer-core keeps them, and finds them in the way of the next case's.
    """
    slicer = ensure_runtime()
    from BoneSegLib.scene.new_nodes import new_nodes_removed

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    before = _segmentation_ids(slicer.mrmlScene)
    with new_nodes_removed():
        try:
            yield
        finally:
            for node_id in _segmentation_ids(slicer.mrmlScene) - before:
                item = hierarchy.GetItemByDataNode(slicer.mrmlScene.GetNodeByID(node_id))
                if item:
                    hierarchy.RemoveItem(item, False, False)


def _segmentation_ids(scene) -> set[str]:
    kind = "vtkMRMLSegmentationNode"
    return {scene.GetNthNodeByClass(index, kind).GetID() for index in range(scene.GetNumberOfNodesByClass(kind))}
