"""From a volume to its bones, the way a person goes."""

from __future__ import annotations

import types

import numpy as np
import pytest
import slicer

from BoneSegLib.anatomy import GROUPS


def test_nothing_can_be_begun_without_a_volume_and_the_button_says_why(a_module):
    person = a_module()
    assert not person.ui.segmentButton.isEnabled()
    assert person.ui.segmentButton.toolTip == "Choose a CT volume."


def test_three_clicks_from_the_idle_widget_to_the_bones(a_module, a_ct):
    person, volume = a_module(), a_ct()
    person.choose(person.ui.inputSelector, volume)  # two clicks: open the list, choose
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert person.error == ""
    node = person.ui.outputSelector.currentNode()
    assert node.GetName() == "CT bones"
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == 10
    assert segmentation.GetSegment("hip_left").GetName() == "Left hip bone"
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "sacrum", volume)
    assert np.count_nonzero(array) > 0
    assert segmentation.ContainsRepresentation("Closed surface")
    assert "Model fake, quality full, on the processor" in person.ui.summaryLabel.text
    table = person.ui.resultsTable
    assert table.rowCount == 10
    assert table.item(2, 0).text() == "Sacrum"
    assert float(table.item(2, 1).text()) > 0
    assert table.item(2, 2).text() == "600"
    assert table.item(2, 3).text() == "93 %"
    assert "low confidence" in table.item(6, 4).text()


def test_the_volume_is_described_before_the_run_with_time_and_memory(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    assert "60 x 60 x 60 voxels, 2.00 x 2.00 x 2.00 mm" in person.ui.inputReport.text
    assert person.ui.estimateLabel.isVisible()
    person.wait(lambda: not person.ui.estimateLabel.text.startswith("Estimating"))
    assert person.ui.estimateLabel.text == "On the processor, about 1 min 10 s, 3.0 GB of memory."
    person.ui.qualityComboBox.setCurrentIndex(1)
    person.wait(lambda: "20 s" in person.ui.estimateLabel.text)


def test_only_the_bones_of_a_preset_are_segmented(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    person.click(person.module.panel.bones.button("pelvis"))
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    ids = person.ui.outputSelector.currentNode().GetSegmentation().GetSegmentIDs()
    assert tuple(ids) == GROUPS["pelvis"]


def test_a_bone_can_be_left_out_and_none_at_all_cannot_be_segmented(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    bones = person.module.panel.bones
    person.click(bones.button("pelvis"))
    for bone in GROUPS["pelvis"]:
        assert person.ui.segmentButton.isEnabled()
        person.click(bones.box(bone))
    assert not person.ui.segmentButton.isEnabled()
    assert person.ui.segmentButton.toolTip == "Choose at least one bone."


def test_the_second_run_uses_the_warm_worker(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    processes = []
    for _ in range(2):
        person.click(person.ui.segmentButton)
        person.wait_for_the_end()
        processes.append(person.module.results.result.finished.labels.info["process"])
    assert processes[0] == processes[1]


def test_the_result_lies_under_the_volumes_transform(a_module, a_ct):
    person, volume = a_module(), a_ct()
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    volume.SetAndObserveTransformNodeID(transform.GetID())
    person.choose(person.ui.inputSelector, volume)
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert person.ui.outputSelector.currentNode().GetTransformNodeID() == transform.GetID()


@pytest.mark.parametrize(("choice", "bones"), [(0, ("sacrum", *GROUPS["lumbar_spine"])), (1, GROUPS["lumbar_spine"])])
def test_an_existing_segmentation_asks_what_to_replace(a_module, a_ct, choice, bones):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    assert not person.ui.replaceComboBox.isVisible()
    picker = person.module.panel.bones
    person.click(picker.button("pelvis"))
    for bone in ("hip_left", "hip_right"):
        person.click(picker.box(bone))
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert person.ui.replaceComboBox.isVisible()
    person.ui.replaceComboBox.setCurrentIndex(choice)
    person.click(picker.button("lumbar_spine"))
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert tuple(person.ui.outputSelector.currentNode().GetSegmentation().GetSegmentIDs()) == bones


def test_another_ct_does_not_get_into_the_segmentation_of_the_first(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct("first"))
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    person.choose(person.ui.inputSelector, a_ct("second"))
    assert person.ui.outputSelector.currentNode() is None


def test_the_run_can_be_copied_as_python_that_makes_the_same_segmentation(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    person.click(person.module.panel.bones.button("pelvis"))
    person.ui.qualityComboBox.setCurrentIndex(1)
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    person.click(person.ui.copyPythonButton)
    code = slicer.app.clipboard().text()
    assert "structures=('hip_left', 'hip_right', 'sacrum')" in code
    assert "quality='fast'" in code
    compile(code, "copied", "exec")


def test_the_statistics_become_a_table(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    person.click(person.ui.statisticsButton)
    assert person.error == ""
    table = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLTableNode")
    assert table.GetNumberOfRows() == 10


def test_show_3d_can_be_switched_off_and_stays_so(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    person.open(person.ui.advancedSection)
    person.click(person.ui.show3DCheckBox)
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert not person.ui.outputSelector.currentNode().GetSegmentation().ContainsRepresentation("Closed surface")
    assert slicer.util.settingsValue("BoneSeg/show3D", True, converter=slicer.util.toBool) is False
    person.click(person.ui.show3DCheckBox)


def test_the_choices_are_saved_with_the_scene_and_the_device_with_the_computer(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    person.click(person.module.panel.bones.button("pelvis"))
    person.ui.deviceComboBox.setCurrentIndex(1)
    node = slicer.mrmlScene.GetSingletonNode("BoneSeg", "vtkMRMLScriptedModuleNode")
    assert node.GetParameter("bones") == ",".join(GROUPS["pelvis"])
    assert slicer.util.settingsValue("BoneSeg/device", "") == "cpu"
    assert person.module.panel.options().device == "cpu"
    person.ui.deviceComboBox.setCurrentIndex(0)


def test_the_segment_editor_opens_with_the_bones_and_their_ct(a_module, a_ct, monkeypatch):
    opened = {}
    editor = types.SimpleNamespace(
        setSegmentationNode=lambda node: opened.update(segmentation=node),
        setSourceVolumeNode=lambda node: opened.update(volume=node),
    )
    widget = types.SimpleNamespace(self=lambda: types.SimpleNamespace(editor=editor))
    module = types.SimpleNamespace(widgetRepresentation=lambda: widget)
    monkeypatch.setattr(slicer.modules, "segmenteditor", module, raising=False)
    monkeypatch.setattr(slicer.util, "selectModule", lambda name: opened.update(module=name))
    person, volume = a_module(), a_ct()
    person.choose(person.ui.inputSelector, volume)
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    person.click(person.ui.openEditorButton)
    assert opened == {
        "module": "SegmentEditor",
        "segmentation": person.ui.outputSelector.currentNode(),
        "volume": volume,
    }


def test_choices_that_come_with_a_loaded_scene_are_shown(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    parameters = person.module.logic.getParameterNode()
    parameters.quality = "fast"
    parameters.bones = "sacrum,femur_left"
    person.look()
    assert person.ui.qualityComboBox.currentText == "Fast"
    assert person.module.panel.bones.chosen() == ("sacrum", "femur_left")
