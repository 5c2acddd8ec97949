"""While a run goes on: the window lives, cancel is quick, and the scene may change under it."""

from __future__ import annotations

import os
import signal

import pytest
import slicer

from Testing.qt_runtime.runtime import leave_module, show_module
from Testing.worker.processes import lives


@pytest.fixture
def a_person_in_a_run(a_module, a_ct):
    """Sees progress of a run that takes four seconds."""

    def make(engine: str = "slow", **volume):
        person = a_module(engine)
        person.choose(person.ui.inputSelector, a_ct(**volume))
        person.click(person.ui.segmentButton)
        person.wait(lambda: person.sees_progress)
        return person

    return make


def _segmentations() -> int:
    return slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")


def test_progress_is_told_with_the_time_left_and_the_choices_are_locked(a_person_in_a_run):
    person = a_person_in_a_run()
    assert person.ui.segmentButton.text == "Cancel"
    assert not person.ui.inputSelector.isEnabled()
    person.wait(lambda: "left" in person.ui.progressLabel.text)
    assert "Finding the bones, about" in person.ui.progressLabel.text


def test_the_window_shows_a_frame_at_least_every_50_ms(a_module, a_ct):
    person = a_module("slow")
    person.choose(person.ui.inputSelector, a_ct(size=(150, 200, 200)))
    person.wait(lambda: "On the" in person.ui.estimateLabel.text)
    person.frames.clear()
    person.click(person.ui.segmentButton)
    person.wait(lambda: person.ui.progressBar.value >= 950)
    assert len(person.frames) > 100
    assert max(person.frames) < 0.05


@pytest.mark.parametrize("engine", ["slow", "deaf"])
def test_cancel_takes_less_than_a_second_and_leaves_the_scene_as_it_was(a_person_in_a_run, engine):
    person = a_person_in_a_run(engine)
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    person.click(person.ui.segmentButton)
    assert person.wait_for_the_end() < 1.0
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes
    assert person.error == ""
    assert person.ui.segmentButton.text == "Segment"
    assert person.ui.segmentButton.isEnabled()
    assert person.ui.inputSelector.isEnabled()


def test_closing_the_scene_ends_the_run_and_its_worker(a_person_in_a_run):
    person = a_person_in_a_run()
    worker = person.module.controller.client.process_id
    slicer.mrmlScene.Clear(0)
    person.look()
    assert not person.is_running
    assert not lives(worker)
    assert person.error == ""
    assert person.ui.segmentButton.text == "Segment"
    assert not person.ui.segmentButton.isEnabled()
    assert _segmentations() == 0


def test_after_closing_the_scene_everything_works_again(a_person_in_a_run, a_ct):
    person = a_person_in_a_run()
    slicer.mrmlScene.Clear(0)
    person.choose(person.ui.inputSelector, a_ct("another"))
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert person.error == ""
    assert person.ui.outputSelector.currentNode().GetName() == "another bones"


def test_deleting_the_volume_ends_the_run_and_says_so(a_person_in_a_run):
    person = a_person_in_a_run()
    slicer.mrmlScene.RemoveNode(person.ui.inputSelector.currentNode())
    person.wait_for_the_end()
    assert "The volume was deleted during the run." in person.error
    assert _segmentations() == 0


def test_deleting_the_chosen_segmentation_makes_a_new_one(a_module, a_ct):
    person = a_module("slow")
    person.choose(person.ui.inputSelector, a_ct())
    chosen = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "chosen")
    chosen.SetReferenceImageGeometryParameterFromVolumeNode(person.ui.inputSelector.currentNode())
    person.choose(person.ui.outputSelector, chosen)
    person.click(person.ui.segmentButton)
    person.wait(lambda: person.sees_progress)
    slicer.mrmlScene.RemoveNode(chosen)
    person.wait_for_the_end()
    assert person.error == ""
    assert person.ui.outputSelector.currentNode().GetName() == "CT bones"


def test_leaving_the_module_does_not_end_the_run(a_person_in_a_run):
    person = a_person_in_a_run()
    leave_module("BoneSeg")
    person.wait_for_the_end()
    show_module("BoneSeg")
    assert person.ui.outputSelector.currentNode() is not None


def test_a_killed_worker_is_told_with_cause_and_remedy_and_the_next_run_works(a_person_in_a_run):
    person = a_person_in_a_run()
    os.kill(person.module.controller.client.process_id, signal.SIGKILL)
    person.wait_for_the_end()
    assert "The computer ran out of memory." in person.error
    assert _segmentations() == 0
    person.click(person.ui.segmentButton)
    assert person.error == ""
    person.wait(lambda: person.sees_progress)


def test_closing_slicer_ends_the_worker(a_person_in_a_run):
    from Testing.qt_runtime.runtime import close_module

    person = a_person_in_a_run()
    worker = person.module.controller.client.process_id
    close_module("BoneSeg")
    assert not lives(worker)


def test_another_volume_that_is_chosen_meanwhile_does_not_get_this_ones_bones(a_person_in_a_run, a_ct):
    person = a_person_in_a_run()
    first, other = person.ui.inputSelector.currentNode(), a_ct("other")
    person.module.useVolume(other)
    person.wait_for_the_end()
    assert person.error == ""
    made = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert person.module.logic.volumeOf(made) is first
    assert person.ui.inputSelector.currentNode() is other
    assert person.ui.outputSelector.currentNode() is None
