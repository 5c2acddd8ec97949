"""A mask, a region of interest and the common field limit a comparison."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.volume import Geometry, LabelMap
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

LEFT_HALF = ((0, 24), (0, 30), (0, 18))
"""The first 8 of the 16 voxels that `BOX` has along i."""


def compare(*arguments, **options):
    from BoneSegLib.scene.comparison import compare_nodes

    return compare_nodes(*arguments, **options)


def a_pair(grid: Geometry = ANISOTROPIC):
    """The test lacks the last 4 of 16 voxels along i: Dice 24/28, within the left half 1."""
    k, j, (i0, i1) = BOX
    return a_segmentation(grid, {"sacrum": BOX}), a_segmentation(grid, {"sacrum": (k, j, (i0, i1 - 4))})


def a_roi(span, grid: Geometry, matrix: np.ndarray | None = None):
    """A ROI around the voxels of a span (first and last + 1 along k, j, i), turned as the grid."""
    import slicer

    from BoneSegLib.scene.matrices import to_vtk

    low, high = (np.array([edge[side] for edge in span[::-1]], float) - 0.5 for side in (0, 1))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Box")
    node.SetSize(*((high - low) * grid.spacing))
    place = np.eye(4)
    place[:3, :3] = grid.directions
    place[:3, 3] = (grid.ijk_to_ras @ [*((low + high) / 2), 1.0])[:3]
    node.SetAndObserveObjectToNodeMatrix(to_vtk(place))
    return node if matrix is None else put_under(node, matrix)


@pytest.mark.parametrize("kind", ["segmentation", "label map", "given"])
def test_only_what_lies_in_the_mask_is_compared(kind):
    pair = a_pair()
    assert compare(*pair).score("sacrum").dice == pytest.approx(24 / 28)
    options, mask = CompareOptions(), None
    if kind == "segmentation":
        mask = a_segmentation(ANISOTROPIC, {"anything": LEFT_HALF, "nothing": None})
    elif kind == "label map":
        mask = a_label_map(ANISOTROPIC, {77: LEFT_HALF})
    else:
        options = CompareOptions(mask=LabelMap(filled(ANISOTROPIC, {1: LEFT_HALF}), ANISOTROPIC))
    comparison = compare(*pair, options=options, mask_node=mask)
    score = comparison.score("sacrum")
    assert (score.dice, score.hausdorff_mm) == (1.0, 0.0)
    assert score.volume_reference_ml == pytest.approx(10 * 12 * 8 * 1.25 / 1000)
    assert any("mask" in remark for remark in comparison.remarks)


def test_a_mask_is_moved_by_its_own_transform():
    mask = put_under(a_segmentation(ANISOTROPIC, {"m": shifted(LEFT_HALF, i=10)}), translation(r=-5.0))
    assert compare(*a_pair(), mask_node=mask).score("sacrum").volume_reference_ml == pytest.approx(1.2)


@pytest.mark.parametrize("degrees", [0.0, 30.0])
@pytest.mark.parametrize("moved", [False, True])
def test_only_what_lies_in_the_roi_is_compared_however_it_is_turned(degrees, moved):
    grid = turned(ANISOTROPIC, degrees)
    matrix = rotation(20.0) @ translation(3.0, 4.0, 5.0) if moved else None
    pair = a_pair(grid)
    if matrix is not None:
        pair = tuple(put_under(node, matrix) for node in pair)
    comparison = compare(*pair, roi_node=a_roi(LEFT_HALF, grid, matrix))
    assert comparison.score("sacrum").dice == 1.0
    assert comparison.score("sacrum").volume_reference_ml == pytest.approx(1.2)
    assert "Only inside the ROI 'Box'." in comparison.remarks


def test_the_common_field_leaves_out_what_the_tests_image_does_not_show():
    reference, _ = a_pair()
    small = Geometry((18, 30, 24), ANISOTROPIC.ijk_to_ras)
    k, j, (i0, _) = BOX
    test = a_segmentation(small, {"sacrum": (k, j, (i0, 18))})
    assert compare(reference, test).score("sacrum").dice == pytest.approx(16 / 24)
    score = compare(reference, test, common_field=True).score("sacrum")
    assert (score.dice, score.hausdorff_mm) == (1.0, 0.0)


def test_limits_add_up():
    box = ((0, 24), (0, 14), (0, 40))
    mask = a_label_map(ANISOTROPIC, {1: LEFT_HALF})
    comparison = compare(*a_pair(), mask_node=mask, roi_node=a_roi(box, ANISOTROPIC), common_field=True)
    assert comparison.score("sacrum").volume_reference_ml == pytest.approx(10 * 6 * 8 * 1.25 / 1000)


def test_limits_that_leave_nothing_are_refused_and_the_scene_stays():
    pair = a_pair()
    roi = a_roi(shifted(LEFT_HALF, i=500), ANISOTROPIC)
    before = scene_state()
    with pytest.raises(InputError, match="nothing left"):
        compare(*pair, roi_node=roi)
    with pytest.raises(InputError, match="no region of interest"):
        compare(*pair, roi_node=pair[0])
    assert scene_state() == before
