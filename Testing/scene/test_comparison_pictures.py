"""A comparison as a table, charts and coloured surfaces; all of it can be removed, and a failure leaves nothing."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from BoneSegLib.errors import Cancelled, InputError, UsageError
from BoneSegLib.evaluation.result import COLUMNS, NUMBERS
from BoneSegLib.volume import Geometry
from Testing.scene.comparison_cases import (
    ANISOTROPIC,
    BOX,
    Span,
    a_segmentation,
    forget_items,
    put_under,
    rotation,
    scene_state,
    shifted,
    translation,
)

pytestmark = pytest.mark.usefixtures("a_hierarchy")

OTHER = shifted(BOX, k=11)


@pytest.fixture
def a_hierarchy(a_scene):
    yield
    forget_items()


class Accident(Exception):
    pass


def fail(*_arguments, **_options):
    raise Accident


def a_comparison():
    from BoneSegLib.scene.comparison import compare_nodes

    reference = a_segmentation(ANISOTROPIC, {"sacrum": BOX, "hip_left": OTHER, "femur_left": None})
    test = a_segmentation(ANISOTROPIC, {"sacrum": shifted(BOX, i=4), "hip_left": None, "femur_left": None})
    return compare_nodes(reference, test)


def table_node(comparison, **options):
    from BoneSegLib.scene.comparison_table import comparison_table_node

    return comparison_table_node(comparison, **options)


def plot_nodes(table):
    from BoneSegLib.scene.comparison_plot import comparison_plot_nodes

    return comparison_plot_nodes(table)


def model_nodes(*arguments, **options):
    from BoneSegLib.scene.comparison_models import surface_distance_model_nodes

    return surface_distance_model_nodes(*arguments, **options)


def world_points(model) -> np.ndarray:
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    from BoneSegLib.scene.matrices import to_numpy

    matrix = vtk.vtkMatrix4x4()
    if model.GetParentTransformNode() is not None:
        model.GetParentTransformNode().GetMatrixTransformToWorld(matrix)
    place = to_numpy(matrix)
    points = vtk_to_numpy(model.GetPolyData().GetPoints().GetData()).astype(float)
    return points @ place[:3, :3].T + place[:3, 3]


def distances(model) -> np.ndarray:
    from vtk.util.numpy_support import vtk_to_numpy

    return vtk_to_numpy(model.GetPolyData().GetPointData().GetArray("DistanceMm"))


def test_the_table_has_the_columns_and_rows_of_the_csv(tmp_path):
    import csv

    comparison = a_comparison()
    table = table_node(comparison, name="Mine").GetTable()
    comparison.to_csv(tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert [table.GetColumnName(n) for n in range(table.GetNumberOfColumns())] == header == list(COLUMNS)
    for number, row in enumerate(rows):
        for column, text in zip(header, row, strict=True):
            value = table.GetColumnByName(column).GetValue(number)
            assert value == text if column not in NUMBERS else np.array_equal(value, float(text), equal_nan=True)
    assert rows[-1][0] == "mean"


def test_the_table_says_what_its_numbers_mean():
    comparison = a_comparison()
    node = table_node(comparison)
    assert json.loads(node.GetAttribute("BoneSeg.definitions")) == comparison.definitions
    assert "Tolerance of NSD: 2 mm" in node.GetDescription()
    assert node.GetColumnTitle("hausdorff95_mm") == "HD95 (mm)"
    assert node.GetColumnUnitLabel("hausdorff95_mm") == "mm"
    assert "95th percentile" in node.GetColumnDescription("hausdorff95_mm")


def test_charts_show_overlap_and_distance_as_bars_of_the_table():
    table = table_node(a_comparison())
    plots = plot_nodes(table)
    for chart, columns in ((plots.overlap, ["dice", "nsd"]), (plots.distance, ["hausdorff95_mm", "assd_mm"])):
        series = [chart.GetNthPlotSeriesNode(n) for n in range(chart.GetNumberOfPlotSeriesNodes())]
        assert [one.GetYColumnName() for one in series] == columns
        assert {one.GetLabelColumnName() for one in series} == {"structure"}
        assert {one.GetPlotType() for one in series} == {one.PlotTypeBar for one in series}
        assert {one.GetTableNode().GetID() for one in series} == {table.GetID()}
    assert tuple(plots.overlap.GetYAxisRange()) == (0.0, 1.0)


def test_charts_can_be_removed_again(a_scene):
    table = table_node(a_comparison())
    before = scene_state()
    for node in plot_nodes(table).nodes:
        a_scene.RemoveNode(node)
    assert scene_state() == before


def test_a_table_that_is_no_comparison_is_refused(a_scene):
    table = a_scene.AddNewNodeByClass("vtkMRMLTableNode", "Shopping")
    for node in (None, table):
        with pytest.raises(InputError, match="no comparison"):
            plot_nodes(node)


@pytest.mark.parametrize("step", ["BoneSegLib.scene.comparison_table._description", "json.dumps"])
def test_a_table_that_fails_half_way_leaves_no_node(monkeypatch, step):
    comparison = a_comparison()
    before = scene_state()
    monkeypatch.setattr(step, fail)
    with pytest.raises(Accident):
        table_node(comparison)
    assert scene_state() == before


def test_charts_that_fail_half_way_leave_no_node(monkeypatch):
    import BoneSegLib.scene.comparison_plot as module

    table = table_node(a_comparison())
    before = scene_state()
    monkeypatch.setattr(module, "_chart", fail)
    with pytest.raises(Accident):
        plot_nodes(table)
    assert scene_state() == before


def larger(span: Span, by: int) -> Span:
    (k0, k1), (j0, j1), (i0, i1) = span
    return (k0 - by, k1 + by), (j0 - by, j1 + by), (i0 - by, i1 + by)


CUBES = Geometry.from_spacing((40, 40, 40), (1.5, 1.5, 1.5), origin=(-9, 4, 7))
CUBE: Span = ((10, 24), (12, 26), (14, 28))


@pytest.mark.parametrize("by", [2, -2])
def test_the_faces_of_a_box_lie_as_far_out_or_in_as_it_is_larger(by):
    reference = a_segmentation(CUBES, {"sacrum": CUBE})
    test = a_segmentation(CUBES, {"sacrum": larger(CUBE, by)})
    found = distances(model_nodes(reference, test, smooth=False).models[0])
    assert np.median(found) == pytest.approx(1.5 * by, rel=1e-6)
    assert (np.sign(found) == np.sign(by)).all()
    assert np.abs(found).min() == pytest.approx(3.0, rel=1e-6)
    assert np.abs(found).max() <= 3.0 * math.sqrt(3) + 1e-6


def test_equal_bones_are_nowhere_apart_and_lie_where_the_voxels_do():
    nodes = [a_segmentation(ANISOTROPIC, {"sacrum": BOX}) for _ in range(2)]
    model = model_nodes(*nodes, smooth=False).models[0]
    assert np.abs(distances(model)).max() == 0.0
    bounds = np.array(model.GetPolyData().GetBounds()).reshape(3, 2)
    (k0, k1), (j0, j1), (i0, i1) = BOX
    for axis, (first, last) in enumerate(((i0, i1), (j0, j1), (k0, k1))):
        step, origin = ANISOTROPIC.spacing[axis], ANISOTROPIC.origin[axis]
        assert bounds[axis] == pytest.approx([origin + step * (first - 0.5), origin + step * (last - 0.5)], abs=1e-4)


def test_models_lie_under_the_tests_transform_and_at_its_place_in_the_world():
    matrix = rotation(35.0) @ translation(40.0, -20.0, 10.0)
    plain = [a_segmentation(ANISOTROPIC, {"sacrum": BOX}), a_segmentation(ANISOTROPIC, {"sacrum": shifted(BOX, i=4)})]
    at_home = model_nodes(*plain, smooth=False).models[0]
    reference = put_under(a_segmentation(ANISOTROPIC, {"sacrum": BOX}), matrix)
    test = put_under(a_segmentation(ANISOTROPIC, {"sacrum": shifted(BOX, i=4)}), matrix)
    model = model_nodes(reference, test, smooth=False).models[0]
    assert model.GetTransformNodeID() == test.GetTransformNodeID()
    assert world_points(model) == pytest.approx(world_points(at_home) @ matrix[:3, :3].T + matrix[:3, 3], abs=1e-4)
    assert distances(model) == pytest.approx(distances(at_home), abs=1e-4)
    assert np.abs(distances(model)).max() == pytest.approx(2.0, abs=1e-4)


def test_colours_are_shared_and_their_legend_is_shown():
    boxes = {"sacrum": BOX, "hip_left": OTHER}
    found = model_nodes(*(a_segmentation(ANISOTROPIC, boxes) for _ in range(2)), limit_mm=3.0)
    assert [model.GetName() for model in found.models] == ["Left hip bone distance", "Sacrum distance"]
    for model in found.models:
        display = model.GetDisplayNode()
        assert display.GetColorNodeID() == found.colors.GetID()
        assert display.GetScalarVisibility()
        assert tuple(display.GetScalarRange()) == (-3.0, 3.0)
        assert display.GetActiveScalarName() == "DistanceMm"
    assert found.legend.GetPrimaryDisplayNode().GetID() == found.models[0].GetDisplayNodeID()
    blue, grey, red = ([found.colors.GetLookupTable().GetTableValue(n)[c] for c in range(3)] for n in (0, 127, 254))
    assert blue[2] > 2 * blue[0]
    assert red[0] > 2 * red[2]
    assert max(grey) == min(grey)


def test_models_come_into_a_folder_beside_the_test_and_everything_can_be_removed(a_scene):
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    boxes = {"sacrum": BOX, "hip_left": OTHER}
    reference, test = (a_segmentation(ANISOTROPIC, boxes) for _ in range(2))
    hierarchy.CreateItem(study, test)
    before = scene_state()
    found = model_nodes(reference, test)
    assert hierarchy.GetItemParent(found.folder) == study
    for model in found.models:
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(model)) == found.folder
    found.remove()
    assert scene_state() == before


def test_only_what_was_compared_and_is_in_both_becomes_a_model():
    from BoneSegLib.evaluation.options import CompareOptions
    from BoneSegLib.scene.comparison import compare_nodes

    nodes = [a_segmentation(ANISOTROPIC, {"sacrum": BOX, "hip_left": OTHER, "femur_left": one}) for one in (None, BOX)]
    assert len(model_nodes(*nodes).models) == 2
    comparison = compare_nodes(*nodes, options=CompareOptions(structures=("sacrum",)))
    assert [model.GetName() for model in model_nodes(*nodes, comparison).models] == ["Sacrum distance"]


@pytest.mark.parametrize("step", ["add_legend", "put_into_folder", "_model"])
def test_models_that_fail_half_way_leave_the_scene_as_it_was(monkeypatch, step):
    import BoneSegLib.scene.comparison_models as module

    nodes = [a_segmentation(ANISOTROPIC, {"sacrum": BOX}) for _ in range(2)]
    before = scene_state()
    monkeypatch.setattr(module, step, fail)
    with pytest.raises(Accident):
        model_nodes(*nodes)
    assert scene_state() == before


def test_models_that_cannot_be_made_leave_the_scene_as_it_was():
    nodes = [a_segmentation(ANISOTROPIC, {one: BOX}) for one in ("sacrum", "hip_left")]
    before = scene_state()
    with pytest.raises(InputError, match="in both"):
        model_nodes(*nodes)
    with pytest.raises(UsageError):
        model_nodes(nodes[0], nodes[0], limit_mm=0.0)
    with pytest.raises(Cancelled):
        model_nodes(nodes[0], nodes[0], is_cancelled=lambda: True)
    assert scene_state() == before


def test_a_comparison_that_went_through_json_makes_the_same_table():
    from BoneSegLib.worker.messages import unpack_comparison

    comparison = a_comparison()
    back = unpack_comparison(json.loads(json.dumps(comparison.to_json())), comparison.structures)
    assert back.to_json() == comparison.to_json()
    assert back.structures == comparison.structures
    tables = [table_node(one).GetTable() for one in (comparison, back)]
    for column in COLUMNS:
        values = [[one.GetColumnByName(column).GetValue(n) for n in range(4)] for one in tables]
        assert str(values[0]) == str(values[1])
