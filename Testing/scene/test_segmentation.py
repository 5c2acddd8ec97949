"""What a segmentation node holds after the labels were written, and that a failure leaves everything as it was."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID, STRUCTURES, foreign_structure
from BoneSegLib.errors import BoneSegError, InputError, InternalError
from BoneSegLib.headless.read import read_labelmap, read_segmentation
from BoneSegLib.headless.write import write_segmentation as save_segmentation
from BoneSegLib.volume import Geometry, LabelMap, Volume

GEOMETRY = Geometry.from_spacing((20, 18, 16), (1.0, 1.0, 2.0), origin=(5, 6, 7), directions=np.diag([-1.0, -1, 1]))


@pytest.fixture
def a_volume_node(a_scene):
    from BoneSegLib.scene.volume_node import add_volume_node

    return add_volume_node(Volume(np.full(GEOMETRY.shape, 40, np.int16), GEOMETRY, name="CT"))


def some_labels(*, last: int = 7, **options) -> LabelMap:
    """Blocks of the first ``last`` structures, one above the other."""
    array = np.zeros(GEOMETRY.shape, np.uint8)
    for label in range(1, last + 1):
        array[2 * label - 1 : 2 * label + 1, 4:12, 3:9] = label
    return LabelMap(array, GEOMETRY, **options)


def write(*arguments, **options):
    from BoneSegLib.scene.write import write_segmentation

    return write_segmentation(*arguments, **options)


def state(scene) -> dict[str, object]:
    """What a user would notice: the nodes and, for segmentations, what is in them."""
    found: dict[str, object] = {}
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        found[node.GetID()] = (node.GetName(), node.GetTransformNodeID() if hasattr(node, "GetTransformNodeID") else "")
        if node.IsA("vtkMRMLSegmentationNode"):
            found[node.GetID() + " content"] = content(node)
    return found


def content(node) -> dict[str, object]:
    from BoneSegLib.scene.layers import find_layers, own_voxels

    segmentation = node.GetSegmentation()
    voxels = {
        segment_id: int((own_voxels(layer.image) == value).sum())
        for layer in find_layers(node)
        for segment_id, value in layer.values
    }
    return {
        "segments": [(one, segmentation.GetSegment(one).GetName()) for one in segmentation.GetSegmentIDs()],
        "voxels": voxels,
        "attributes": {name: node.GetAttribute(name) for name in node.GetAttributeNames() or ()},
        "references": [node.GetNodeReferenceID(role) for role in ("referenceImageGeometryRef", "transform")],
    }


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


def test_the_voxels_of_a_volume_are_not_copied(a_volume_node):
    import slicer

    from BoneSegLib.scene.read import volume_from_node

    volume = volume_from_node(a_volume_node)
    slicer.util.arrayFromVolume(a_volume_node)[3, 4, 5] = 1234
    assert volume.array[3, 4, 5] == 1234


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

    assert load_terminology() == CONTEXT_NAME
    assert load_terminology() == CONTEXT_NAME
    logic = slicer.modules.terminologies.logic()
    category = slicer.vtkSlicerTerminologyCategory()
    assert logic.GetNthCategoryInTerminology(CONTEXT_NAME, 0, category)
    types = set()
    for index in range(logic.GetNumberOfTypesInTerminologyCategory(CONTEXT_NAME, category)):
        one = slicer.vtkSlicerTerminologyType()
        assert logic.GetNthTypeInTerminologyCategory(CONTEXT_NAME, category, index, one)
        types.add(one.GetCodeValue())
    assert types == {structure.code[0] for structure in STRUCTURES}
    entry = slicer.vtkSlicerTerminologyEntry()
    for structure in STRUCTURES:
        assert logic.DeserializeTerminologyEntry(terminology_entry(structure), entry)
        assert entry.GetTypeObject().GetCodeMeaning() == structure.code[1]
