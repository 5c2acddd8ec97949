"""One step back: the segmentation as it was before a run."""

from __future__ import annotations

import slicer

from BoneSegLib.scene.snapshot import Snapshot


class RunUndo:
    """Made before the result is written; told afterwards which node it went into."""

    def __init__(self, existingNode) -> None:
        self._snapshot = Snapshot(existingNode) if existingNode is not None else None
        self._nodeId = ""

    def wentInto(self, node) -> None:
        self._nodeId = node.GetID()

    def undo(self) -> None:
        """A new segmentation goes, an existing one gets its segments back."""
        node = slicer.mrmlScene.GetNodeByID(self._nodeId)
        if node is None:
            return
        if self._snapshot is None:
            slicer.mrmlScene.RemoveNode(node)
        else:
            self._snapshot.restore()
