"""What a segmentation node holds after the labels were written, and that a failure leaves everything as it was."""

from __future__ import annotations

import numpy as np

from BoneSegLib.anatomy import BY_ID, STRUCTURES, foreign_structure
from BoneSegLib.headless.read import read_labelmap
from BoneSegLib.headless.write import write_segmentation as save_segmentation
from BoneSegLib.volume import LabelMap
from Testing.support.segmentations import GEOMETRY, content, some_labels, write


def test_all_segments_share_one_layer_and_absent_bones_are_empty_segments(a_volume_node):
    node = write(some_labels(), a_volume_node)
    segmentation = node.GetSegmentation()
    assert list(segmentation.GetSegmentIDs()) == [structure.id for structure in STRUCTURES]
    assert segmentation.GetNumberOfLayers() == 1
    assert [content(node)["voxels"][structure.id] for structure in STRUCTURES] == [96] * 7 + [0] * 3


def test_segments_have_names_colours_and_codes(a_volume_node):
    from BoneSegLib.scene.terminology import terminology_entry

    node = write(some_labels(), a_volume_node)
    for structure in STRUCTURES:
        segment = node.GetSegmentation().GetSegment(structure.id)
        assert segment.GetName() == structure.name
        assert np.allclose(segment.GetColor(), np.array(structure.color) / 255)
        assert segment.GetTerminology() == terminology_entry(structure)
        assert segment.GetTerminology().count("~") == 6


def test_only_the_structures_asked_for_become_segments(a_volume_node):
    node = write(some_labels(), a_volume_node, structures=(BY_ID["sacrum"], BY_ID["vertebra_L5"]))
    assert content(node)["voxels"] == {"sacrum": 96, "vertebra_L5": 0}


def test_structures_of_another_model_become_segments_without_a_code(a_volume_node):
    liver = foreign_structure(1, "liver")
    node = write(some_labels(last=1, structures=(liver,)), a_volume_node)
    assert content(node)["segments"] == [("liver", "Liver")]


def test_a_label_map_of_another_model_keeps_its_values(a_volume_node, tmp_path):
    organs = (foreign_structure(2, "liver"), foreign_structure(5, "spleen"))
    labels = np.zeros(GEOMETRY.shape, np.uint8)
    labels[2:5], labels[8:10] = 2, 5
    node = write(LabelMap(labels, GEOMETRY, structures=organs), a_volume_node)
    path = save_segmentation(node, tmp_path / "out.nii.gz")
    assert np.array_equal(read_labelmap(path, structures=organs).array, labels)


def test_the_volume_is_referred_to_and_its_grid_noted(a_volume_node):
    from BoneSegLib.scene.labels import labelmap_from_segmentation

    node = write(some_labels(), a_volume_node)
    assert node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()).GetID() == a_volume_node.GetID()
    back = labelmap_from_segmentation(node)
    assert back.geometry.matches(GEOMETRY)
    assert np.array_equal(back.array, some_labels().array)


def test_how_the_labels_came_about_is_noted(a_volume_node):
    from BoneSegLib.scene.write import provenance

    info = {"model": "bones", "seconds": {"network": 1.5}, "folds": ["0"], "device": "cpu"}
    node = write(some_labels(info=info), a_volume_node)
    assert provenance(node) == info
    assert node.GetAttribute("BoneSeg.model") == "bones"
    write(some_labels(info={"model": "other"}), a_volume_node, node)
    assert provenance(node) == {"model": "other"}


def test_the_result_lies_beside_the_volume_in_the_subject_hierarchy(a_scene, a_volume_node):
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.CreateItem(study, a_volume_node)
    node = write(some_labels(), a_volume_node)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study


def test_segments_of_the_user_stay_and_ours_are_replaced(a_volume_node):
    node = write(some_labels(), a_volume_node, structures=(BY_ID["sacrum"], BY_ID["hip_left"]))
    node.GetSegmentation().AddEmptySegment("tumour", "Tumour", (1, 0, 0))
    write(some_labels(), a_volume_node, node, structures=(BY_ID["sacrum"],))
    assert content(node)["segments"] == [("tumour", "Tumour"), ("sacrum", "Sacrum")]


def test_a_segmentation_shown_in_3d_is_shown_with_its_new_segments(a_volume_node):
    node = write(some_labels(), a_volume_node)
    assert node.CreateClosedSurfaceRepresentation()
    write(some_labels(last=3), a_volume_node, node)
    surface = node.GetSegmentation().GetSegment("hip_left").GetRepresentation("Closed surface")
    assert surface is None or surface.GetNumberOfPoints() > 0


def test_the_voxels_of_a_volume_are_not_copied(a_volume_node):
    import slicer

    from BoneSegLib.scene.read import volume_from_node

    volume = volume_from_node(a_volume_node)
    slicer.util.arrayFromVolume(a_volume_node)[3, 4, 5] = 1234
    assert volume.array[3, 4, 5] == 1234
