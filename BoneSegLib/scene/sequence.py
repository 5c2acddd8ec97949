"""The frames of a volume sequence, and their segmentations as a sequence that is played along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import slicer

from BoneSegLib.errors import InputError
from BoneSegLib.scene.new_nodes import new_nodes_removed
from BoneSegLib.scene.read import volume_from_node
from BoneSegLib.scene.write import write_segmentation
from BoneSegLib.volume import LabelMap, Volume


@dataclass(frozen=True, eq=False)
class Frames:
    """A volume node that shows the frames of a ``sequence``, one at a time, as its ``browser`` says."""

    volume_node: Any
    browser: Any
    sequence: Any

    @property
    def count(self) -> int:
        return self.sequence.GetNumberOfDataNodes()

    @property
    def shown(self) -> int:
        """The number of the frame that is shown now, from 0."""
        return self.browser.GetSelectedItemNumber()

    def show(self, number: int) -> None:
        self.browser.SetSelectedItemNumber(number)
        # Slicer does it by itself, but perhaps not at once; without the application nobody does.
        _logic().UpdateProxyNodesFromSequences(self.browser)

    def volume(self, number: int) -> Volume:
        """A frame's image, whichever is shown. Raises `InputError` for one that is no 3D image."""
        return volume_from_node(self.sequence.GetNthDataNode(number))


def frames_of(volume_node) -> Frames | None:
    """The frames that a volume node shows one of; ``None`` for an ordinary volume and for a single frame."""
    scene = slicer.mrmlScene
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSequenceBrowserNode")):
        browser = scene.GetNthNodeByClass(index, "vtkMRMLSequenceBrowserNode")
        sequence = browser.GetSequenceNode(volume_node)
        # The browser counts its main sequence's items; another one may have fewer.
        if sequence is not None and sequence.GetNumberOfDataNodes() == browser.GetNumberOfItems() > 1:
            return Frames(volume_node, browser, sequence)
    return None


def write_frames(frames: Frames, labels: Sequence[LabelMap], *, name: str, surfaces: bool = False):
    """Puts a label map for each frame into a new sequence of segmentations, and returns the node that shows them.

    The node is a segmentation as `write_segmentation` makes it, and follows the frames' browser. ``surfaces``: with the
    bones' surfaces, for the 3D views. The frame that was shown is shown again. Raises `InputError` when the sequence
    was changed or removed meanwhile; whatever fails, no node stays.
    """
    browser, source = frames.browser, frames.sequence
    if browser.GetScene() is None or source.GetScene() is None or frames.count != len(labels):
        raise InputError("The sequence was changed during the run.", remedy="Run again.")
    shown = frames.shown
    try:
        with new_nodes_removed(only_on_failure=True):
            sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
            sequence.SetIndexName(source.GetIndexName())
            sequence.SetIndexUnit(source.GetIndexUnit())
            sequence.SetIndexType(source.GetIndexType())
            node = None
            for number, frame in enumerate(labels):
                frames.show(number)
                node = write_segmentation(frame, frames.volume_node, node, name=name)
                if surfaces:
                    node.CreateClosedSurfaceRepresentation()
                sequence.SetDataNodeAtValue(node, source.GetNthIndexValue(number))
            play_along(browser, node, sequence)
    finally:
        frames.show(shown)
    return node


def play_along(browser, node, sequence) -> None:
    """From now on ``node`` shows of ``sequence`` what the browser has selected."""
    browser.AddProxyNode(node, sequence, False)
    _logic().UpdateProxyNodesFromSequences(browser)


def _logic():
    module = getattr(slicer.modules, "sequences", None)
    return slicer.vtkSlicerSequencesLogic() if module is None else module.logic()
