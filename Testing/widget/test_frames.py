"""A volume that is a frame of a sequence: the one that is shown, or each of them."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from Testing.support.sequences import add_volume_sequence


@pytest.fixture
def a_person_with_frames(a_module):
    """Has chosen a CT of three frames, in which the bone grows by a slice each, and asked for each frame."""
    person = a_module()
    arrays = []
    for slices in (30, 31, 32):
        array = np.full((60, 60, 60), -500, np.int16)
        array[10 : 10 + slices, 15:45, 15:45] = 600
        arrays.append(array)
    person.choose(person.ui.inputSelector, add_volume_sequence(arrays))
    person.click(person.module.panel.bones.button("pelvis"))
    assert person.ui.framesComboBox.isVisible()
    person.ui.framesComboBox.setCurrentIndex(1)
    return person


def _frames(person):
    from BoneSegLib.scene.sequence import frames_of

    return frames_of(person.ui.inputSelector.currentNode())


def _nodes() -> list[str]:
    scene = slicer.mrmlScene
    names = [scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())]
    return [name for name in names if "SubjectHierarchy" not in name]


def _voxels(node) -> int:
    from BoneSegLib.scene.labels import labelmap_from_segmentation

    return int(np.count_nonzero(labelmap_from_segmentation(node).array))


def test_an_ordinary_volume_asks_nothing_about_frames(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    assert not person.ui.framesComboBox.isVisible()


def test_each_frame_gets_its_segmentation_and_they_play_along(a_person_with_frames):
    person = a_person_with_frames
    assert person.ui.framesComboBox.currentText == "Segment each of the 3 frames"
    assert not person.ui.outputSelector.isEnabled()
    person.wait(lambda: "3 min 40 s" in person.ui.estimateLabel.text)
    person.click(person.ui.segmentButton)
    assert person.ui.progressLabel.text.startswith("Frame 1 of 3: starting")
    person.wait(lambda: person.ui.progressLabel.text.startswith("Frame 3 of 3"))
    person.wait_for_the_end()
    assert person.error == ""
    frames, node = _frames(person), slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    counts = []
    for number in range(3):
        frames.show(number)
        counts.append(_voxels(node) // 900)
    assert counts == [30, 31, 32]
    assert "3 frames" in person.ui.summaryLabel.text
    assert not person.ui.vertebraePanel.isVisible()
    person.click(person.ui.copyPythonButton)
    assert "segmentFrames(volumeNode, options)" in slicer.app.clipboard().text()


def test_a_script_segments_the_frames_as_the_panel_does(a_person_with_frames, monkeypatch):
    from BoneSeg import BoneSegLogic
    from BoneSegLib.options import SegmentOptions
    from Testing.worker import fake_engine

    monkeypatch.setattr("BoneSegLib.inference.engine.segment", fake_engine.segment)
    told: list[tuple[float, str]] = []
    volume = a_person_with_frames.ui.inputSelector.currentNode()
    options = SegmentOptions(structures=("sacrum",))
    node = BoneSegLogic().segmentFrames(volume, options, progress=lambda *news: told.append(news))
    _frames(a_person_with_frames).show(1)
    assert _voxels(node) // 900 == 31
    assert told[-1][1].startswith("Frame 3 of 3")
    assert [fraction for fraction, _message in told] == sorted(fraction for fraction, _message in told)


def test_a_sequence_of_segmentations_is_undone_and_done_again(a_person_with_frames):
    person = a_person_with_frames
    before = _nodes()
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    person.click(person.ui.undoButton)
    assert _nodes() == before
    person.click(person.ui.redoButton)
    node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    frames = _frames(person)
    frames.show(2)
    assert _voxels(node) // 900 == 32
    assert person.error == ""


def test_cancelling_among_the_frames_leaves_the_scene_as_it_was(a_person_with_frames):
    person = a_person_with_frames
    before = slicer.mrmlScene.GetNumberOfNodes()
    person.click(person.ui.segmentButton)
    person.wait(lambda: person.ui.progressLabel.text.startswith("Frame 2 of 3"))
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert person.error == ""
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_the_frame_that_is_shown_is_segmented_alone(a_person_with_frames):
    person = a_person_with_frames
    person.ui.framesComboBox.setCurrentIndex(0)
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 1
    assert _voxels(person.ui.outputSelector.currentNode()) // 900 == 30
