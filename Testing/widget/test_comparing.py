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


def test_a_ct_that_is_deleted_while_its_bones_are_grown_is_told(a_person_with_bones):
    person = a_person_with_bones
    person.click(person.ui.growButton)
    slicer.mrmlScene.RemoveNode(person.ui.inputSelector.currentNode())
    person.wait_for_the_end()
    assert "The volume was deleted during the run." in person.error
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


def test_what_nobody_foresaw_in_a_comparison_is_told_and_the_panel_goes_on(a_person_with_bones, monkeypatch):
    person = a_person_with_bones

    def fail(*_arguments):
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(person.module.logic, "writeLabels", fail)
    person.click(person.ui.growButton)
    person.wait_for_the_end()
    assert "unforeseen" in person.error
    assert person.ui.compareButton.text == "Compare"
    assert person.ui.growButton.isEnabled()
    assert not person.ui.comparisonProgressPanel.isVisible()


def test_a_segmentation_without_bones_is_told_calmly(a_person_with_bones):
    person = a_person_with_bones
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "empty")
    person.choose(person.ui.referenceSelector, empty)
    person.click(person.ui.compareButton)
    assert person.error
    assert not person.is_running


def _segmentation_of(array, name: str, *ids: str):
    """Blocks of a CT's size (60 voxels of 2 mm): a segment for each of ``array``, each in a layer of its own."""
    import numpy as np

    volume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for part, segment_id in zip(array, ids, strict=True):
        node.GetSegmentation().AddEmptySegment(segment_id, segment_id, (1, 0, 0))
        slicer.util.updateSegmentBinaryLabelmapFromArray(part.astype(np.uint8), node, segment_id, volume)
    return node


def _rows(person) -> dict[str, str]:
    table = person.ui.comparisonTable
    return {table.item(row, 0).text(): table.item(row, 1).text() for row in range(table.rowCount)}


@pytest.fixture
def a_person_with_two_blocks(a_module, a_ct):
    """Compares 'mine' (upper, lower) with 'theirs' (the same blocks under other names)."""
    import numpy as np

    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    blocks = np.zeros((2, 60, 60, 60), bool)
    blocks[0, 10:20, 10:30, 10:30] = True
    blocks[1, 30:50, 10:30, 10:30] = True
    person.open(person.ui.comparisonSection)
    person.choose(person.ui.referenceSelector, _segmentation_of(blocks, "mine", "upper", "lower"))
    person.choose(person.ui.testSelector, _segmentation_of(blocks, "theirs", "high", "lower"))
    return person


def test_a_match_that_is_missing_is_made_by_hand(a_person_with_two_blocks):
    person = a_person_with_two_blocks
    person.open(person.ui.comparisonDetails)
    assert person.ui.matchLabel.text == "1 of 3 segments have a match."
    matches = person.module.comparison.matches
    box = matches.box("upper")
    assert [box.itemText(index) for index in range(box.count)] == ["– nothing –", "lower", "high"]
    box.setCurrentIndex(2)
    box.activated.emit(2)
    person.look()
    assert person.ui.matchLabel.text == "2 of 2 segments have a match."
    assert person.ui.matchTable.item(0, 2).text() == "you"
    person.click(person.ui.compareButton)
    person.wait_for_the_end()
    assert _rows(person) == {"upper": "1.000", "lower": "1.000", "Mean": "1.000"}
    person.click(person.ui.distanceButton)
    assert person.error == ""
    assert "upper distance" in {model.GetName() for model in slicer.util.getNodesByClass("vtkMRMLModelNode")}
    person.click(person.ui.resetMatchesButton)
    assert person.ui.matchLabel.text == "1 of 3 segments have a match."


def test_a_box_limits_what_is_compared(a_person_with_two_blocks):
    """Of the lower blocks, 20 slices high, one lacks the upper half; the box looks at the other half."""
    import numpy as np

    person = a_person_with_two_blocks
    half = np.zeros((1, 60, 60, 60), bool)
    half[0, 30:40, 10:30, 10:30] = True
    person.choose(person.ui.testSelector, _segmentation_of(half, "half", "lower"))
    person.click(person.ui.compareButton)
    person.wait_for_the_end()
    assert _rows(person)["lower"] == f"{2 / 3:.3f}"
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "lower half")
    roi.SetCenter(60.0, 60.0, 69.0)
    roi.SetSize(200.0, 200.0, 20.0)
    person.open(person.ui.comparisonDetails)
    assert person.ui.comparisonRegionSelector.isVisible()
    person.choose(person.ui.comparisonRegionSelector, roi)
    person.click(person.ui.compareButton)
    person.wait_for_the_end()
    assert person.error == ""
    assert _rows(person)["lower"] == "1.000"
    assert "Only inside the ROI 'lower half'." in person.ui.comparisonRemark.text
    person.choose(person.ui.comparisonRegionSelector, None)
    person.choose(person.ui.maskSelector, person.ui.testSelector.currentNode())
    person.click(person.ui.compareButton)
    person.wait_for_the_end()
    assert _rows(person)["lower"] == "1.000"


def test_segments_that_overlap_are_compared_as_a_whole_in_the_worker(a_person_with_two_blocks):
    import numpy as np

    person = a_person_with_two_blocks
    blocks = np.zeros((2, 60, 60, 60), bool)
    blocks[0, 10:20, 10:30, 10:30] = True
    blocks[1, 10:50, 10:30, 10:30] = True
    for selector, name in ((person.ui.referenceSelector, "one"), (person.ui.testSelector, "other")):
        person.choose(selector, _segmentation_of(blocks, name, "part", "whole"))
    person.click(person.ui.compareButton)
    assert person.is_running
    person.wait_for_the_end()
    assert _rows(person) == {"part": "1.000", "whole": "1.000", "Mean": "1.000"}
    assert "overlap in 4000 voxels" in person.ui.comparisonRemark.text


def test_closing_the_scene_in_the_middle_of_a_comparison_leaves_a_panel_that_works(a_person_with_two_blocks, a_ct):
    person = a_person_with_two_blocks
    person.click(person.ui.compareButton)
    assert person.is_running
    slicer.mrmlScene.Clear(0)
    person.look()
    assert not person.is_running
    assert person.ui.compareButton.text == "Compare"
    person.choose(person.ui.inputSelector, a_ct())
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert person.error == ""


def test_a_label_map_with_values_beyond_a_byte_is_compared_too(a_person_with_two_blocks):
    import numpy as np

    person = a_person_with_two_blocks
    nodes = []
    for name, rows in (("map", slice(10, 30)), ("other map", slice(20, 40))):
        array = np.zeros((60, 60, 60), np.int16)
        array[10:20, rows, 10:30] = 300
        nodes.append(slicer.util.addVolumeFromArray(array, name=name, nodeClassName="vtkMRMLLabelMapVolumeNode"))
    person.choose(person.ui.referenceSelector, nodes[0])
    person.choose(person.ui.testSelector, nodes[1])
    person.click(person.ui.compareButton)
    person.wait_for_the_end()
    assert person.error == ""
    assert _rows(person)["Label 300"] == "0.500"
    nodes[1].SetOrigin(0.4, 0.0, 0.0)
    person.click(person.ui.compareButton)
    person.wait_for_the_end()
    assert "The test lies on another grid" in person.ui.comparisonRemark.text
