"""Nodes, labels and accidents that stop the writing of a segmentation: the scene stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.errors import BoneSegError, InputError, InternalError
from BoneSegLib.volume import Geometry, LabelMap, Volume
from Testing.support.segmentations import GEOMETRY, some_labels, state, write


def test_other_segments_under_another_transform_are_not_moved_but_refused(a_scene, a_volume_node):
    node = write(some_labels(), a_volume_node)
    node.GetSegmentation().AddEmptySegment("tumour", "Tumour", (1, 0, 0))
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    a_volume_node.SetAndObserveTransformNodeID(transform.GetID())
    before = state(a_scene)
    with pytest.raises(InputError, match="transform"):
        write(some_labels(), a_volume_node, node)
    assert state(a_scene) == before


@pytest.mark.parametrize("gone", ["volume", "segmentation"])
def test_nodes_that_were_deleted_during_the_run_are_told(a_scene, a_volume_node, gone):
    node = write(some_labels(), a_volume_node)
    a_scene.RemoveNode(a_volume_node if gone == "volume" else node)
    before = state(a_scene)
    with pytest.raises(InputError, match=f"{gone} is gone"):
        write(some_labels(), a_volume_node, node)
    assert state(a_scene) == before


class Accident(Exception):
    pass


@pytest.mark.parametrize("step", ["place_beside", "_note"])
@pytest.mark.parametrize("existing", [False, True])
def test_a_failure_half_way_leaves_the_scene_as_it_was(a_scene, a_volume_node, monkeypatch, existing, step):
    import BoneSegLib.scene.write as module

    node = None
    if existing:
        node = write(some_labels(info={"model": "first"}), a_volume_node, structures=STRUCTURES[:4], name="Mine")
        node.GetSegmentation().AddEmptySegment("tumour", "Tumour", (1, 0, 0))
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    if not existing:
        a_volume_node.SetAndObserveTransformNodeID(transform.GetID())
    before = state(a_scene)

    def fail(*_arguments):
        raise Accident

    monkeypatch.setattr(module, step, fail)
    with pytest.raises(Accident):
        write(some_labels(last=3, info={"model": "second"}), a_volume_node, node, name="Other")
    assert state(a_scene) == before


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(LabelMap(np.full(GEOMETRY.shape, 77, np.uint8), GEOMETRY), id="a value of no structure"),
        pytest.param(LabelMap(np.zeros(GEOMETRY.shape, np.int8), GEOMETRY), id="int8"),
        pytest.param(
            LabelMap(np.zeros((4, 4, 4), np.uint8), Geometry.from_spacing((4, 4, 4), (1, 1, 1))), id="another grid"
        ),
    ],
)
def test_labels_that_cannot_be_right_are_refused(a_scene, a_volume_node, labels):
    before = state(a_scene)
    with pytest.raises(InternalError):
        write(labels, a_volume_node)
    assert state(a_scene) == before


@pytest.mark.parametrize("trouble", ["no volume", "no image", "colour", "flat", "not numbers"])
def test_volumes_that_cannot_be_used_are_refused_with_a_remedy(a_scene, trouble):
    import slicer
    import vtk

    from BoneSegLib.scene.read import volume_from_node
    from BoneSegLib.scene.volume_node import add_volume_node

    node = None
    if trouble == "no image":
        node = a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    elif trouble == "colour":
        node = a_scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "CT")
        image = vtk.vtkImageData()
        image.SetDimensions(4, 4, 4)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
        node.SetAndObserveImageData(image)
    elif trouble == "flat":
        node = slicer.util.addVolumeFromArray(np.zeros((1, 9, 9), np.int16))
    elif trouble == "not numbers":
        array = np.zeros(GEOMETRY.shape, np.float32)
        array[0, 0, 0] = np.nan
        node = add_volume_node(Volume(array, GEOMETRY))
    with pytest.raises(BoneSegError) as caught:
        volume_from_node(node)
    assert caught.value.exit_code == 3
    assert caught.value.remedy
