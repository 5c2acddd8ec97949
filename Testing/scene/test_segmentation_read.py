"""Segmentations read again: from nodes, files and models, on any grid."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID, STRUCTURES
from BoneSegLib.errors import InputError
from BoneSegLib.headless.read import read_labelmap, read_segmentation
from BoneSegLib.headless.write import write_segmentation as save_segmentation
from BoneSegLib.volume import Geometry, LabelMap
from Testing.support.segmentations import GEOMETRY, content, some_labels, write


def test_a_seg_nrrd_keeps_names_colours_codes_and_empty_segments(a_volume_node, tmp_path):
    node = write(some_labels(), a_volume_node)
    back = read_segmentation(save_segmentation(node, tmp_path / "out.seg.nrrd"))
    for structure in STRUCTURES:
        mine, theirs = (one.GetSegmentation().GetSegment(structure.id) for one in (node, back))
        assert theirs.GetName() == mine.GetName()
        assert np.allclose(theirs.GetColor(), mine.GetColor(), atol=1 / 255)
        assert theirs.GetTerminology() == mine.GetTerminology()
        assert theirs.GetLabelValue() == structure.label
    assert content(back)["voxels"] == content(node)["voxels"]


def test_a_seg_nrrd_tells_how_it_came_about(a_volume_node, tmp_path):
    import slicer

    from BoneSegLib.scene.write import provenance

    info = {"model": "bones", "note": "first: line\nsecond\\n", "seconds": {"network": 1.5}, "device": "cpu"}
    node = write(some_labels(info=info), a_volume_node)
    path = save_segmentation(node, tmp_path / "out.seg.nrrd")
    assert provenance(read_segmentation(path)) == info
    assert b"\nBoneSeg.model:=bones\n" in path.read_bytes()
    loaded = slicer.util.loadSegmentation(str(path))
    assert content(loaded)["voxels"] == content(node)["voxels"]
    assert np.array_equal(read_labelmap(path).array, some_labels().array)


@pytest.mark.parametrize("rename", ["id", "name", "code"])
def test_segments_are_recognised_by_id_or_name_or_code(a_volume_node, rename):
    """A reference drawn by hand has ids that Slicer made up."""
    import slicer

    from BoneSegLib.scene.labels import labelmap_from_segmentation, segment_names

    node = write(some_labels(), a_volume_node, structures=(BY_ID["sacrum"], BY_ID["femur_left"]))
    segmentation = node.GetSegmentation()
    drawn = a_volume_node.GetScene().AddNewNodeByClass("vtkMRMLSegmentationNode", "Drawn")
    for number, segment_id in enumerate(segmentation.GetSegmentIDs()):
        copy = slicer.vtkSegment()
        copy.DeepCopy(segmentation.GetSegment(segment_id))
        if rename in ("id", "code"):
            copy.SetName(f"Segment_{number}" if rename == "code" else segment_id)
        if rename in ("id", "name"):
            copy.SetTag(copy.GetTerminologyEntryTagName(), "")
        drawn.GetSegmentation().AddSegment(copy, segment_id if rename == "id" else f"Segment_{number}")
    drawn.SetReferenceImageGeometryParameterFromVolumeNode(a_volume_node)
    assert len(segment_names(drawn)) == 2
    wanted = np.where(np.isin(some_labels().array, (3, 4)), some_labels().array, 0)
    assert np.array_equal(labelmap_from_segmentation(drawn).array, wanted)


def test_a_segmentation_without_our_bones_is_refused_with_what_it_holds(a_scene):
    from BoneSegLib.scene.labels import labelmap_from_segmentation

    node = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Other")
    node.GetSegmentation().AddEmptySegment("x", "Liver", (1, 0, 0))
    with pytest.raises(InputError, match="Liver"):
        labelmap_from_segmentation(node)


def test_labels_can_be_put_on_another_grid(a_volume_node):
    from BoneSegLib.scene.labels import labelmap_from_segmentation

    fine = Geometry.from_spacing(
        (40, 36, 32), (0.5, 0.5, 1.0), origin=(5.25, 6.25, 6.5), directions=GEOMETRY.directions
    )
    back = labelmap_from_segmentation(write(some_labels(), a_volume_node), fine)
    assert np.array_equal(back.array, some_labels().array.repeat(2, 0).repeat(2, 1).repeat(2, 2))


def test_a_model_made_into_a_segmentation_can_be_compared(a_volume_node):
    """A closed surface without voxels gets them on the grid of its image."""
    import slicer

    from BoneSegLib.scene.labels import labelmap_from_segmentation

    wanted = np.zeros(GEOMETRY.shape, bool)
    wanted[3:12, 3:14, 4:15] = True
    node = write(LabelMap(np.where(wanted, 3, 0).astype(np.uint8), GEOMETRY), a_volume_node)
    node.CreateClosedSurfaceRepresentation()
    surface = slicer.vtkSegment()
    surface.SetName("Sacrum")
    surface.AddRepresentation("Closed surface", node.GetClosedSurfaceInternalRepresentation("sacrum"))
    other = a_volume_node.GetScene().AddNewNodeByClass("vtkMRMLSegmentationNode", "Model")
    other.GetSegmentation().SetSourceRepresentationName("Closed surface")
    other.GetSegmentation().AddSegment(surface, "sacrum")
    other.SetReferenceImageGeometryParameterFromVolumeNode(a_volume_node)
    back = labelmap_from_segmentation(other)
    assert 2 * ((back.array == 3) & wanted).sum() / ((back.array == 3).sum() + wanted.sum()) > 0.8


def test_a_label_map_file_becomes_a_segmentation(a_volume_node, tmp_path):
    path = save_segmentation(write(some_labels(), a_volume_node), tmp_path / "out.nii.gz")
    assert content(read_segmentation(path))["voxels"] == {structure.id: 96 for structure in STRUCTURES[:7]}
    assert np.array_equal(read_labelmap(path).array, some_labels().array)


def test_our_terminology_is_known_to_slicer_after_loading(a_scene):
    import slicer

    from BoneSegLib.scene.terminology import CONTEXT_NAME, load_terminology, terminology_entry
    from BoneSegLib.scene.vertebrae import CHAIN

    assert load_terminology() == CONTEXT_NAME
    assert load_terminology() == CONTEXT_NAME
    logic = slicer.modules.terminologies.logic()
    category = slicer.vtkSlicerTerminologyCategory()
    assert logic.GetNthCategoryInTerminology(CONTEXT_NAME, 0, category)
    kind, side = slicer.vtkSlicerTerminologyType(), slicer.vtkSlicerTerminologyType()
    listed = {}
    for index in range(logic.GetNumberOfTypesInTerminologyCategory(CONTEXT_NAME, category)):
        assert logic.GetNthTypeInTerminologyCategory(CONTEXT_NAME, category, index, kind)
        code = (kind.GetCodeValue(), kind.GetCodeMeaning())
        listed[code, None] = kind.GetRecommendedDisplayRGBValue()
        for modifier in range(2 if kind.GetHasModifiers() else 0):
            assert logic.GetNthTypeModifierInTerminologyType(CONTEXT_NAME, category, kind, modifier, side)
            listed.pop((code, None), None)
            listed[code, side.GetCodeMeaning().lower()] = side.GetRecommendedDisplayRGBValue()
    assert listed == {(structure.code, structure.side): structure.color for structure in (*STRUCTURES, *CHAIN)}
    entry = slicer.vtkSlicerTerminologyEntry()
    for structure in (*STRUCTURES, *CHAIN):
        assert logic.DeserializeTerminologyEntry(terminology_entry(structure), entry)
        assert entry.GetTypeObject().GetCodeMeaning() == structure.code[1]
