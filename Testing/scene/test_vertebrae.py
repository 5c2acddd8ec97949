"""Vertebrae renamed by one: every voxel stays, every name moves."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.errors import InputError
from BoneSegLib.headless.read import read_labelmap
from BoneSegLib.headless.write import write_segmentation as save_segmentation
from BoneSegLib.volume import Geometry, LabelMap, Volume

GEOMETRY = Geometry.from_spacing((12, 10, 40), (1.0, 1.0, 2.0))
LUMBAR = [f"vertebra_L{number}" for number in range(1, 6)]


@pytest.fixture
def a_spine(a_scene):
    """Makes a segmentation in which L1 has 100 voxels, L2 200, and so on; and the sacrum 50."""
    from BoneSegLib.scene.volume_node import add_volume_node
    from BoneSegLib.scene.write import write_segmentation

    def make(*, absent: tuple[str, ...] = (), **info):
        array = np.zeros(GEOMETRY.shape, np.uint8)
        array[0, :5, :10] = BY_ID["sacrum"].label
        for number, name in enumerate(LUMBAR, start=1):
            if name not in absent:
                array[5 * number : 6 * number, :10, :10] = BY_ID[name].label
        volume = add_volume_node(Volume(np.full(GEOMETRY.shape, 40, np.int16), GEOMETRY, name="CT"))
        structures = tuple(BY_ID[name] for name in ("sacrum", *LUMBAR))
        return write_segmentation(LabelMap(array, GEOMETRY, structures, info), volume)

    return make


def renumber(*arguments):
    from BoneSegLib.scene.vertebrae import renumber_vertebrae

    return renumber_vertebrae(*arguments)


def voxels(node) -> dict[str, int]:
    from BoneSegLib.scene.layers import find_layers, own_voxels

    return {
        segment_id: int((own_voxels(layer.image) == value).sum())
        for layer in find_layers(node)
        for segment_id, value in layer.values
    }


def test_each_vertebra_gets_the_name_colour_and_code_of_the_next(a_spine):
    from BoneSegLib.scene.terminology import terminology_entry

    node = a_spine(absent=("vertebra_L5",))
    moved = renumber(node, 1)
    assert voxels(node) == {
        "sacrum": 50,
        "vertebra_L1": 0,
        "vertebra_L2": 100,
        "vertebra_L3": 200,
        "vertebra_L4": 300,
        "vertebra_L5": 400,
    }
    assert moved["vertebra_L4"] == "vertebra_L5"
    assert list(node.GetSegmentation().GetSegmentIDs()) == ["sacrum", *LUMBAR]
    for name in LUMBAR:
        segment, structure = node.GetSegmentation().GetSegment(name), BY_ID[name]
        assert segment.GetName() == structure.name
        assert np.allclose(segment.GetColor(), np.array(structure.color) / 255)
        assert segment.GetTerminology() == terminology_entry(structure)


def test_a_file_of_it_holds_the_label_values_of_the_new_names(a_spine, tmp_path):
    node = a_spine(absent=("vertebra_L5",))
    renumber(node, 1)
    saved = read_labelmap(save_segmentation(node, tmp_path / "bones.nii.gz"))
    assert np.bincount(saved.array.ravel(), minlength=11)[1:].tolist() == [0, 0, 50, 0, 0, 0, 100, 200, 300, 400]


@pytest.mark.parametrize(("steps", "place", "count"), [(1, -1, 500), (-1, 0, 100)])
def test_a_vertebra_that_becomes_s1_or_t12_is_it_in_name_colour_and_code_also_in_a_file(
    a_spine, tmp_path, steps, place, count
):
    from BoneSegLib.headless.read import read_segmentation
    from BoneSegLib.scene.terminology import terminology_entry
    from BoneSegLib.scene.vertebrae import CHAIN

    end = CHAIN[place]
    node = a_spine()
    renumber(node, steps)
    for each in (node, read_segmentation(save_segmentation(node, tmp_path / "bones.seg.nrrd"))):
        segment = each.GetSegmentation().GetSegment(end.id)
        assert segment.GetName() == end.name
        assert np.allclose(segment.GetColor(), np.array(end.color) / 255)
        assert segment.GetTerminology() == terminology_entry(end)
        assert voxels(each)[end.id] == count


@pytest.mark.parametrize(("steps", "end", "count"), [(1, "S1 vertebra", 500), (-1, "T12 vertebra", 100)])
def test_the_outermost_vertebra_leaves_the_lumbar_spine_and_comes_back(a_spine, steps, end, count):
    node = a_spine()
    before = voxels(node)
    renumber(node, steps)
    segmentation = node.GetSegmentation()
    named = {segmentation.GetSegment(name).GetName(): number for name, number in voxels(node).items()}
    assert named[end] == count
    renumber(node, -steps)
    assert voxels(node) == before
    assert node.GetAttribute("BoneSeg.vertebrae_renumbered") is None


def test_what_is_noted_of_a_vertebra_goes_with_it(a_spine):
    from BoneSegLib.scene.write import provenance

    node = a_spine(
        absent=("vertebra_L5",), confidence={"sacrum": 0.9, "vertebra_L1": 0.4, "vertebra_L4": 0.8}, model="x"
    )
    renumber(node, 1)
    assert provenance(node) == {
        "confidence": {"sacrum": 0.9, "vertebra_L2": 0.4, "vertebra_L5": 0.8},
        "model": "x",
        "vertebrae_renumbered": 1,
    }


def test_3d_surfaces_move_with_the_names(a_spine):
    node = a_spine(absent=("vertebra_L5",))
    node.CreateClosedSurfaceRepresentation()
    before = node.GetClosedSurfaceInternalRepresentation("vertebra_L1").GetBounds()
    renumber(node, 1)
    assert node.GetClosedSurfaceInternalRepresentation("vertebra_L2").GetBounds() == before


def test_segments_of_others_keep_their_ids_and_all_their_voxels(a_spine):
    node = a_spine(absent=("vertebra_L5",))
    segmentation = node.GetSegmentation()
    segmentation.AddEmptySegment("Segment_1", "Tumour", (1, 0, 0))
    renumber(node, 1)
    assert segmentation.GetSegment("Segment_1").GetName() == "Tumour"
    assert voxels(node)["sacrum"] == 50


def test_a_name_beyond_the_chain_is_refused_and_nothing_is_changed(a_spine):
    node = a_spine()
    renumber(node, 1)
    before = voxels(node)
    with pytest.raises(InputError, match="S1 vertebra"):
        renumber(node, 1)
    assert voxels(node) == before


def test_a_segmentation_without_vertebrae_is_refused(a_spine):
    node = a_spine(absent=tuple(LUMBAR))
    with pytest.raises(InputError, match="no lumbar vertebrae"):
        renumber(node, 1)
