"""Back and forth over runs and renamed vertebrae, and a result whose vertebrae are called wrong."""

from __future__ import annotations

import pytest
import slicer

from BoneSegLib.anatomy import GROUPS


@pytest.fixture
def a_person_with_bones(a_module, a_ct):
    """Has segmented the pelvis of a CT, and then its lumbar spine into the same segmentation."""
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    for preset in ("pelvis", "lumbar_spine"):
        person.click(person.module.panel.bones.button(preset))
        person.ui.replaceComboBox.setCurrentIndex(1)
        person.click(person.ui.segmentButton)
        person.wait_for_the_end()
        assert person.error == ""
    return person


def _segments() -> tuple[str, ...] | None:
    node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    return None if node is None else tuple(node.GetSegmentation().GetSegmentIDs())


def _bones(person) -> list[str]:
    table = person.ui.resultsTable
    return [table.item(row, 0).text() for row in range(table.rowCount)] if table.isVisible() else []


def test_two_runs_are_undone_and_done_again_one_by_one(a_person_with_bones):
    person = a_person_with_bones
    spine = [f"L{number} vertebra" for number in range(1, 6)]
    pelvis = ["Left hip bone", "Right hip bone", "Sacrum"]
    assert (_segments(), _bones(person)) == (GROUPS["lumbar_spine"], spine)
    assert not person.ui.redoButton.isEnabled()
    person.click(person.ui.undoButton)
    assert (_segments(), _bones(person)) == (GROUPS["pelvis"], pelvis)
    person.click(person.ui.undoButton)
    assert (_segments(), _bones(person)) == (None, [])
    assert not person.ui.undoButton.isEnabled()
    person.click(person.ui.redoButton)
    assert (_segments(), _bones(person)) == (GROUPS["pelvis"], pelvis)
    assert slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode").GetDisplayNode() is not None
    person.click(person.ui.redoButton)
    assert (_segments(), _bones(person)) == (GROUPS["lumbar_spine"], spine)
    assert person.error == ""


def test_vertebrae_are_renamed_in_segments_and_table_and_back(a_person_with_bones):
    person = a_person_with_bones
    first = person.ui.resultsTable.item(0, 1).text()
    person.click(person.ui.vertebraeDownButton)
    assert person.error == ""
    assert _segments() == (*GROUPS["lumbar_spine"][1:], "vertebra_S1")
    assert _bones(person) == ["L2 vertebra", "L3 vertebra", "L4 vertebra", "L5 vertebra", "S1 vertebra"]
    assert person.ui.resultsTable.item(0, 1).text() == first
    person.click(person.ui.copyPythonButton)
    assert "renumberVertebrae(segmentationNode, 1)" in slicer.app.clipboard().text()
    person.click(person.ui.vertebraeDownButton)
    assert "cannot be moved further" in person.error
    person.click(person.ui.undoButton)
    assert _segments() == GROUPS["lumbar_spine"]
    person.click(person.ui.redoButton)
    assert _bones(person)[0] == "L2 vertebra"
    # What was undone cannot be done again after something new.
    person.click(person.ui.undoButton)
    person.click(person.ui.vertebraeUpButton)
    assert _bones(person)[0] == "T12 vertebra"
    assert not person.ui.redoButton.isEnabled()


def test_a_segmentation_that_somebody_deletes_takes_its_steps_along(a_person_with_bones):
    person = a_person_with_bones
    slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode"))
    person.look()
    assert not person.ui.resultsSection.isVisible()


def test_closing_the_scene_ends_all_steps(a_person_with_bones):
    person = a_person_with_bones
    person.click(person.ui.undoButton)
    slicer.mrmlScene.Clear(0)
    person.look()
    assert not person.ui.resultsSection.isVisible()
