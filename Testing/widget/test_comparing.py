"""The comparison panel."""

from __future__ import annotations

import pytest
import slicer


@pytest.fixture
def a_person_with_bones(a_module, a_ct):
    """Has segmented a CT and opened the comparison."""
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    person.click(person.module.panel.bones.button("pelvis"))
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    person.open(person.ui.comparisonSection)
    return person


def test_the_last_segmentation_is_what_is_compared(a_person_with_bones):
    person = a_person_with_bones
    assert person.ui.testSelector.currentNode() is person.ui.outputSelector.currentNode()
    assert not person.ui.compareButton.isEnabled()
    assert person.ui.compareButton.toolTip == "Choose two segmentations."


def test_one_click_gives_the_table_of_all_bones(a_person_with_bones):
    person = a_person_with_bones
    node = person.ui.testSelector.currentNode()
    copy = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "copy")
    copy.GetSegmentation().DeepCopy(node.GetSegmentation())
    person.choose(person.ui.referenceSelector, copy)
    person.click(person.ui.compareButton)
    person.wait_for_the_end()
    assert person.error == ""
    table = person.ui.comparisonTable
    cells = [[table.item(row, column).text() for column in range(2)] for row in range(table.rowCount)]
    assert cells == [["Left hip bone", "1.000"], ["Right hip bone", "1.000"], ["Sacrum", "1.000"], ["Mean", "1.000"]]
    person.click(person.ui.comparisonTableButton)
    assert slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLTableNode").GetNumberOfRows() == 4
    person.click(person.ui.distanceButton)
    assert person.error == ""
    models = slicer.util.getNodesByClass("vtkMRMLModelNode")
    assert {"Sacrum distance"} <= {model.GetName() for model in models}


def test_grow_from_seeds_makes_the_reference(a_person_with_bones):
    person = a_person_with_bones
    person.click(person.ui.growButton)
    person.wait_for_the_end()
    assert person.error == ""
    assert person.ui.referenceSelector.currentNode().GetName() == "CT grown from seeds"
    person.click(person.ui.compareButton)
    person.wait_for_the_end()
    assert float(person.ui.comparisonTable.item(3, 1).text()) > 0.5


def test_a_segmentation_without_bones_is_told_calmly(a_person_with_bones):
    person = a_person_with_bones
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "empty")
    person.choose(person.ui.referenceSelector, empty)
    person.click(person.ui.compareButton)
    assert person.error
    assert not person.is_running
