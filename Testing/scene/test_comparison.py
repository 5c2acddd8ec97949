"""Two nodes compared where they lie in the world: numbers known beforehand, and the scene left alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from BoneSegLib.errors import Cancelled, InputError, UsageError
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.volume import Geometry
from Testing.scene.comparison_cases import (
    ANISOTROPIC,
    BOX,
    a_label_map,
    a_segmentation,
    filled,
    put_under,
    rotation,
    scene_state,
    shifted,
    translation,
    turned,
)

pytestmark = pytest.mark.usefixtures("a_scene")

GRIDS = {
    "anisotropic": ANISOTROPIC,
    "oblique": turned(ANISOTROPIC, 25.0),
    "left-handed": Geometry.from_spacing((40, 30, 24), (0.5, 1.0, 2.5), directions=np.diag([1.0, 1.0, -1.0])),
}


def compare(*arguments, **options):
    from BoneSegLib.scene.comparison import compare_nodes

    return compare_nodes(*arguments, **options)


@pytest.mark.parametrize("surface", ["surfel", "voxel"])
@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize(("shift", "dice", "distance"), [((0, 0, 4), 12 / 16, 2.0), ((2, 0, 0), 8 / 10, 5.0)])
def test_a_shifted_box_has_the_dice_and_distance_of_its_shift(grid, shift, dice, distance, surface):
    reference = a_segmentation(grid, {"sacrum": BOX})
    test = a_segmentation(grid, {"sacrum": shifted(BOX, *shift)})
    score = compare(reference, test, options=CompareOptions(surface=surface)).score("sacrum")
    assert score.dice == pytest.approx(dice, abs=1e-12)
    assert score.hausdorff_mm == pytest.approx(distance, rel=1e-6)
    assert score.centroid_distance_mm == pytest.approx(distance, rel=1e-6)
    assert score.volume_difference_percent == 0.0


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_a_shift_by_a_parent_transform_counts_as_a_shift_of_the_voxels(grid):
    reference = a_segmentation(grid, {"sacrum": BOX})
    test = put_under(a_segmentation(grid, {"sacrum": BOX}), translation(*grid.ijk_to_ras[:3, 0] * 4))
    score = compare(reference, test).score("sacrum")
    assert score.dice == pytest.approx(12 / 16, abs=1e-12)
    assert score.hausdorff_mm == pytest.approx(2.0, rel=1e-6)


def test_a_common_parent_transform_that_keeps_lengths_changes_nothing():
    boxes = {"sacrum": BOX}, {"sacrum": shifted(BOX, i=3, j=1)}
    before = compare(*(a_segmentation(ANISOTROPIC, box) for box in boxes)).score("sacrum")
    matrix = rotation(40.0) @ translation(10.0, 20.0, 30.0)
    after = compare(*(put_under(a_segmentation(ANISOTROPIC, box), matrix) for box in boxes)).score("sacrum")
    for column in ("dice", "hausdorff_mm", "hausdorff95_mm", "assd_mm", "nsd", "volume_reference_ml"):
        assert getattr(after, column) == pytest.approx(getattr(before, column), rel=1e-9)


def test_a_parent_transform_that_enlarges_makes_distances_and_volumes_larger():
    matrix = np.diag([3.0, 1.0, 1.0, 1.0])
    nodes = [put_under(a_segmentation(ANISOTROPIC, {"sacrum": box}), matrix) for box in (BOX, shifted(BOX, i=4))]
    score = compare(*nodes).score("sacrum")
    assert score.hausdorff_mm == pytest.approx(6.0, rel=1e-6)
    assert score.volume_reference_ml == pytest.approx(3 * 10 * 12 * 16 * 1.25 / 1000)


def test_a_transform_that_bends_is_resampled_and_told(a_scene):
    import vtk

    reference = a_segmentation(ANISOTROPIC, {"sacrum": BOX})
    test = a_segmentation(ANISOTROPIC, {"sacrum": BOX})
    spline = vtk.vtkThinPlateSplineTransform()
    spline.SetBasisToR()
    points = [vtk.vtkPoints(), vtk.vtkPoints()]
    for r in (-50, 80):
        for a in (-80, 60):
            for s in (-50, 120):
                points[0].InsertNextPoint(r, a, s)
                points[1].InsertNextPoint(r + 2.0, a, s)
    spline.SetSourceLandmarks(points[0])
    spline.SetTargetLandmarks(points[1])
    transform = a_scene.AddNewNodeByClass("vtkMRMLTransformNode", "Bent")
    transform.SetAndObserveTransformToParent(spline)
    test.SetAndObserveTransformNodeID(transform.GetID())
    comparison = compare(reference, test)
    assert comparison.score("sacrum").dice == pytest.approx(12 / 16, abs=0.04)
    assert any("bends" in remark for remark in comparison.remarks)


def test_a_label_map_is_compared_with_a_segmentation_by_the_bones_values():
    grid = GRIDS["left-handed"]
    labels = a_label_map(grid, {3: BOX, 4: shifted(BOX, k=11)})
    segmentation = a_segmentation(grid, {"sacrum": BOX, "femur_left": shifted(BOX, k=10)})
    comparison = compare(labels, segmentation)
    assert comparison.score("sacrum").dice == 1.0
    assert comparison.score("femur_left").dice < 1.0
    assert compare(segmentation, labels).score("sacrum").hausdorff_mm == 0.0


def test_other_grids_are_read_at_the_references_voxels_and_told():
    fine = Geometry(
        (80, 30, 24), ANISOTROPIC.ijk_to_ras @ np.array([[0.5, 0, 0, -0.25], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    )
    (k, j, (i0, i1)) = BOX
    comparison = compare(
        a_segmentation(ANISOTROPIC, {"sacrum": BOX}), a_segmentation(fine, {"sacrum": (k, j, (2 * i0, 2 * i1))})
    )
    assert comparison.score("sacrum").dice == 1.0
    assert any("another grid" in remark for remark in comparison.remarks)


def test_layers_cropped_to_their_segment_do_not_touch_the_images_edge():
    (k0, _), (j0, _), (i0, _) = BOX
    start = np.eye(4)
    start[:3, 3] = i0, j0, k0
    cropped = Geometry((16, 12, 10), ANISOTROPIC.ijk_to_ras @ start)
    whole = a_segmentation(ANISOTROPIC, {"sacrum": BOX})
    node = a_segmentation(cropped, {"sacrum": ((0, 10), (0, 12), (0, 16))})
    copy_noted_grid(whole, node)
    score = compare(node, whole).score("sacrum")
    assert (score.dice, score.note) == (1.0, "")


def copy_noted_grid(source, target) -> None:
    import slicer

    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    text = source.GetSegmentation().GetConversionParameter(name)
    target.GetSegmentation().SetConversionParameter(name, text)


def test_empty_segments_have_no_distances_and_a_note():
    reference = a_segmentation(ANISOTROPIC, {"sacrum": BOX, "femur_left": None, "hip_left": None})
    test = a_segmentation(ANISOTROPIC, {"sacrum": None, "femur_left": BOX, "hip_left": None})
    comparison = compare(reference, test)
    assert comparison.score("sacrum").dice == comparison.score("femur_left").dice == 0.0
    assert math.isnan(comparison.score("sacrum").hausdorff_mm)
    assert "absent from the test" in comparison.score("sacrum").note
    assert "absent from the reference" in comparison.score("femur_left").note
    assert comparison.score("hip_left").note == "absent from both"


def test_overlapping_segments_are_each_compared_as_a_whole():
    boxes = {"sacrum": BOX, "vertebra_L5": shifted(BOX, i=4)}
    reference, test = a_segmentation(ANISOTROPIC, boxes), a_segmentation(ANISOTROPIC, boxes)
    comparison = compare(reference, test)
    volume = 10 * 12 * 16 * 1.25 / 1000
    for structure in boxes:
        assert comparison.score(structure).volume_reference_ml == pytest.approx(volume)
        assert comparison.score(structure).dice == 1.0
    assert any("overlap in 1440 voxels" in remark for remark in comparison.remarks)


def test_surfaces_are_compared_without_changing_their_node(a_scene):
    import slicer

    solid = a_segmentation(ANISOTROPIC, {"sacrum": BOX})
    maker = a_segmentation(ANISOTROPIC, {"sacrum": BOX})
    maker.CreateClosedSurfaceRepresentation()
    surface = slicer.vtkSegment()
    surface.SetName("Sacrum")
    surface.AddRepresentation("Closed surface", maker.GetClosedSurfaceInternalRepresentation("sacrum"))
    model = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Model")
    model.GetSegmentation().SetSourceRepresentationName("Closed surface")
    model.GetSegmentation().AddSegment(surface, "sacrum")
    copy_noted_grid(solid, model)
    before = scene_state()
    comparison = compare(solid, model)
    assert comparison.score("sacrum").dice > 0.9
    assert any("turned into voxels" in remark for remark in comparison.remarks)
    assert scene_state() == before


def test_structures_asked_for_by_name_are_compared_and_others_are_not():
    boxes = {"sacrum": BOX, "femur_left": shifted(BOX, k=11)}
    nodes = [a_segmentation(ANISOTROPIC, boxes) for _ in range(2)]
    comparison = compare(*nodes, options=CompareOptions(structures=("sacrum", "hip_right")))
    assert [score.structure for score in comparison.scores] == ["hip_right", "sacrum"]
    with pytest.raises(UsageError, match="Unknown structure"):
        compare(*nodes, options=CompareOptions(structures=("liver",)))


@pytest.mark.parametrize("trouble", ["no node", "an image", "no segments", "no voxels", "fractions"])
def test_nodes_that_cannot_be_compared_are_refused_and_the_scene_stays(a_scene, trouble):
    import slicer

    good = a_segmentation(ANISOTROPIC, {"sacrum": BOX})
    bad = {
        "no node": lambda: None,
        "an image": lambda: slicer.util.addVolumeFromArray(filled(ANISOTROPIC, {3: BOX})),
        "no segments": lambda: a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Nothing"),
        "no voxels": lambda: a_scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Nothing"),
        "fractions": lambda: slicer.util.addVolumeFromArray(
            filled(ANISOTROPIC, {1: BOX}) / np.float32(3), nodeClassName="vtkMRMLLabelMapVolumeNode"
        ),
    }[trouble]()
    before = scene_state()
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(InputError) as caught:
            compare(*pair)
        assert caught.value.remedy
    assert scene_state() == before


def test_a_comparison_changes_nothing_and_can_be_cancelled():
    reference = put_under(a_segmentation(ANISOTROPIC, {"sacrum": BOX}), rotation(10.0))
    labels = a_label_map(ANISOTROPIC, {3: BOX})
    before = scene_state()
    compare(reference, labels)
    with pytest.raises(Cancelled):
        compare(reference, labels, is_cancelled=lambda: True)
    assert scene_state() == before


def test_what_was_read_can_be_compared_on_one_grid_in_another_process():
    from BoneSegLib.evaluation.compare import compare_labelmaps
    from BoneSegLib.scene.comparison_sides import read_sides

    reference = a_segmentation(ANISOTROPIC, {"sacrum": BOX})
    test = put_under(a_segmentation(turned(ANISOTROPIC, 8.0), {"sacrum": BOX}), rotation(-8.0))
    sides = read_sides(reference, test).on_one_grid()
    assert sides.reference.geometry.matches(sides.test.geometry)
    assert sides.reference.structures == sides.test.structures
    assert compare_labelmaps(sides.reference, sides.test).score("sacrum").dice == 1.0
