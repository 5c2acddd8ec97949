"""Steps back and forth over what was done to segmentations."""

from __future__ import annotations

from dataclasses import dataclass

import slicer

from BoneSegLib.scene.sequence import play_along
from BoneSegLib.scene.snapshot import Snapshot
from BoneSegLib.scene.subject_hierarchy import place_beside

_MOST_STEPS = 10
"""Each step may keep a segmentation's voxels."""


class SegmentationSwap:
    """The state of a segmentation that is not the present one; `swap` exchanges the two.

    Made before the change, with None for a segmentation that is not there yet; told afterwards which one it is.
    """

    def __init__(self, existingNode) -> None:
        self._node = existingNode
        self._other = Snapshot(existingNode) if existingNode is not None else None
        self._removed: tuple = ()

    def wentInto(self, node) -> None:
        self._node = node

    def concerns(self, node) -> bool:
        return node is self._node

    def swap(self) -> None:
        """A new segmentation goes and comes again, an existing one gets its other segments."""
        if self._other is not None:
            now = Snapshot(self._node)
            self._other.restore()
            self._other = now
        elif self._removed:
            bringBack(self._removed)
            self._removed = ()
        else:
            self._removed = takeOut(self._node)


class FramesSwap:
    """A sequence of segmentations that goes and comes again, with the node that shows it."""

    def __init__(self, frames, node) -> None:
        self._browser = frames.browser
        self._node = node
        self._sequence = frames.browser.GetSequenceNode(node)
        self._removed: tuple = ()

    def concerns(self, node) -> bool:
        return node in (self._browser, self._node, self._sequence)

    def swap(self) -> None:
        if self._removed:
            bringBack(self._removed)
            slicer.mrmlScene.AddNode(self._sequence)
            play_along(self._browser, self._node, self._sequence)
            self._removed = ()
        else:
            # The browser would take the node that shows the sequence along, but not its display node.
            self._removed = takeOut(self._node)
            self._browser.RemoveSynchronizedSequenceNode(self._sequence.GetID())
            slicer.mrmlScene.RemoveNode(self._sequence)


def takeOut(segmentationNode) -> tuple:
    """Removes a node with its display nodes; returns all of them, the node first."""
    count = segmentationNode.GetNumberOfDisplayNodes()
    nodes = (segmentationNode, *(segmentationNode.GetNthDisplayNode(index) for index in range(count)))
    for node in nodes:
        # Removing a node may take its display nodes along.
        if node.GetScene() is not None:
            slicer.mrmlScene.RemoveNode(node)
    return nodes


def bringBack(nodes: tuple) -> None:
    """Adds what `takeOut` removed again, under the old ids, and the segmentation beside its volume."""
    node, *displays = nodes
    for each in (*displays, node):
        slicer.mrmlScene.AddNode(each)
    volume = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
    if volume is not None:
        place_beside(node, volume)


@dataclass(frozen=True, eq=False)
class Step:
    """``title`` is what was done, for people; ``before`` and ``after`` are the results that were shown then."""

    title: str
    change: object
    before: object
    after: object


class UndoHistory:
    """The last steps; a new one makes those that were undone unreachable."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._isSwapping = False

    @property
    def undoTitle(self) -> str:
        """What `undo` would take back; empty for nothing."""
        return self._done[-1].title if self._done else ""

    @property
    def redoTitle(self) -> str:
        return self._undone[-1].title if self._undone else ""

    def record(self, step: Step) -> None:
        self._done = [*self._done, step][-_MOST_STEPS:]
        self._undone = []

    def undo(self):
        """Returns the result to show."""
        step = self._swap(self._done, self._undone)
        return step.before

    def redo(self):
        step = self._swap(self._undone, self._done)
        return step.after

    def forget(self, node) -> bool:
        """Somebody removes a node: whether that ends steps. They cannot be done or undone without it."""
        if self._isSwapping:
            return False
        kept = [[step for step in steps if not step.change.concerns(node)] for steps in (self._done, self._undone)]
        changed = kept != [self._done, self._undone]
        self._done, self._undone = kept
        return changed

    def clear(self) -> None:
        self._done, self._undone = [], []

    def _swap(self, source: list[Step], target: list[Step]) -> Step:
        self._isSwapping = True
        try:
            source[-1].change.swap()
        finally:
            self._isSwapping = False
        target.append(source.pop())
        return target[-1]
