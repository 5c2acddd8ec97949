"""Volumes over time, as Slicer's Sequences module has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def add_volume_sequence(arrays: Sequence[np.ndarray], spacing: tuple[float, float, float] = (2.0, 2.0, 2.0)):
    """Adds a sequence of images (kji) with its browser to the scene; returns the volume node that shows the first."""
    import slicer

    scene = slicer.mrmlScene
    # Registers the node classes, as the module does in Slicer.
    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(scene)
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "CT over time")
    sequence.SetIndexName("time")
    sequence.SetIndexUnit("s")
    for number, array in enumerate(arrays):
        frame = slicer.util.addVolumeFromArray(array, name="CT over time")
        frame.SetSpacing(*spacing)
        sequence.SetDataNodeAtValue(frame, f"{0.5 * number:g}")
        scene.RemoveNode(frame)
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "CT over time browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    logic.UpdateProxyNodesFromSequences(browser)
    logic.SetMRMLScene(None)
    return browser.GetProxyNode(sequence)
