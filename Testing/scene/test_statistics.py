"""Statistics of shapes whose measures are known."""

from __future__ import annotations

import csv
import sys
import types

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.errors import InputError, OutputError
from BoneSegLib.volume import Geometry, LabelMap, Volume

OBLIQUE = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
SHEAR = np.array([[1, 0.3, 0], [0, 1, 0], [0, 0, 1.0]])


def a_case(array: np.ndarray, geometry: Geometry, labels: np.ndarray, *, transform=None):
    """A volume node and a segmentation node of it."""
    from BoneSegLib.scene.volume_node import add_volume_node
    from BoneSegLib.scene.write import write_segmentation

    volume = add_volume_node(Volume(array, geometry))
    if transform is not None:
        volume.SetAndObserveTransformNodeID(transform.GetID())
    return write_segmentation(LabelMap(labels, geometry), volume), volume


def a_box(geometry: Geometry):
    """15 x 10 x 20 voxels (ijk) of sacrum, with HU that count up from 0."""
    labels = np.zeros(geometry.shape, np.uint8)
    labels[5:25, 10:20, 8:23] = 3
    array = np.full(geometry.shape, -500, np.int16)
    array[labels == 3] = np.arange(3000) % 100
    return array, geometry, labels


def rows_of(segmentation, volume) -> dict[str, dict]:
    from BoneSegLib.scene.statistics import compute_statistics

    return {row["id"]: row for row in compute_statistics(segmentation, volume)}


@pytest.mark.parametrize("directions", [np.eye(3), np.diag([-1.0, -1, -1]), OBLIQUE])
def test_a_box_is_measured_exactly(a_scene, directions):
    geometry = Geometry.from_spacing((40, 36, 32), (1.0, 1.5, 2.0), origin=(5, 6, 7), directions=directions)
    row = rows_of(*a_case(*a_box(geometry)))["sacrum"]
    assert row["voxels"] == 3000
    assert row["volume_mm3"] == pytest.approx(9000)
    assert row["volume_cm3"] == pytest.approx(9)
    assert (row["hu_min"], row["hu_max"]) == (0, 99)
    assert row["hu_mean"] == pytest.approx(49.5)
    assert row["hu_median"] == pytest.approx(49.5)
    assert row["hu_sd"] == pytest.approx((np.arange(3000) % 100).std(ddof=1))
    assert row["hu_percentile_05"] == pytest.approx(4.95, abs=0.5)
    assert row["hu_percentile_95"] == pytest.approx(94.05, abs=0.5)
    middle = geometry.ijk_to_ras @ (15, 14.5, 14.5, 1)
    assert [row[f"centroid_{part}"] for part in "ras"] == pytest.approx(middle[:3].tolist())
    assert sorted(row[f"box_size_mm_{part}"] for part in "123") == pytest.approx([15, 15, 40])
    assert row["feret_mm"] == pytest.approx(np.linalg.norm([14, 13.5, 38]))
    # Of the voxel centres, as ITK has them.
    moments = sorted((count**2 - 1) / 12 * step**2 for count, step in ((15, 1.0), (10, 1.5), (20, 2.0)))
    assert [row[f"principal_moment_{part}"] for part in "123"] == pytest.approx(moments, rel=1e-3)


def test_a_ball_is_round(a_scene):
    geometry = Geometry.from_spacing((60, 60, 50), (1.0, 1.0, 1.2), origin=(-30, -30, -30))
    k, j, i = np.indices(geometry.shape)
    inside = (i - 30) ** 2 + (j - 30) ** 2 + (k * 1.2 - 30) ** 2 < 22**2
    row = rows_of(*a_case(np.zeros(geometry.shape, np.int16), geometry, np.where(inside, 3, 0).astype(np.uint8)))[
        "sacrum"
    ]
    assert row["volume_mm3"] == pytest.approx(4 / 3 * np.pi * 22**3, rel=0.01)
    assert row["surface_mm2"] == pytest.approx(4 * np.pi * 22**2, rel=0.03)
    assert row["feret_mm"] == pytest.approx(44, abs=1.2)
    assert row["roundness"] == pytest.approx(1, abs=0.03)
    assert row["flatness"] == pytest.approx(1, abs=0.02)
    assert row["elongation"] == pytest.approx(1, abs=0.02)
    assert [row[f"centroid_{part}"] for part in "ras"] == pytest.approx([0, 0, 0], abs=0.05)


def test_a_ball_on_a_sheared_grid_is_as_round(a_scene):
    geometry = Geometry.from_spacing((90, 70, 60), (1.0, 1.0, 1.0), origin=(-45, -33, -30), directions=SHEAR)
    k, j, i = np.indices(geometry.shape)
    points = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ geometry.ijk_to_ras.T
    inside = np.linalg.norm(points[..., :3], axis=-1) < 20
    row = rows_of(*a_case(np.zeros(geometry.shape, np.int16), geometry, np.where(inside, 3, 0).astype(np.uint8)))[
        "sacrum"
    ]
    assert row["volume_mm3"] == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.01)
    assert row["surface_mm2"] == pytest.approx(4 * np.pi * 20**2, rel=0.03)
    assert row["roundness"] == pytest.approx(1, abs=0.03)
    assert row["elongation"] == pytest.approx(1, abs=0.03)
    assert [row[f"centroid_{part}"] for part in "ras"] == pytest.approx([0, 0, 0], abs=0.3)


def test_measures_are_those_of_the_world_under_a_transform(a_scene):
    from BoneSegLib.scene.matrices import to_vtk

    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(to_vtk(np.diag([2.0, 1, 1, 1])))
    geometry = Geometry.from_spacing((40, 36, 32), (1.0, 1.0, 1.0))
    row = rows_of(*a_case(*a_box(geometry), transform=transform))["sacrum"]
    assert row["volume_mm3"] == pytest.approx(6000)
    assert sorted(row[f"box_size_mm_{part}"] for part in "123") == pytest.approx([10, 20, 30])
    assert row["centroid_r"] == pytest.approx(30)
    assert row["hu_mean"] == pytest.approx(49.5)


def test_a_segmentation_under_another_transform_than_its_volume_is_measured_where_it_lies(a_scene):
    from BoneSegLib.scene.matrices import to_vtk

    shift = np.eye(4)
    shift[0, 3] = 5
    geometry = Geometry.from_spacing((40, 36, 32), (1.0, 1.0, 1.0))
    segmentation, volume = a_case(*a_box(geometry))
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(to_vtk(shift))
    segmentation.SetAndObserveTransformNodeID(transform.GetID())
    row = rows_of(segmentation, volume)["sacrum"]
    assert row["centroid_r"] == pytest.approx(20)
    assert row["hu_min"] == -500  # a third of it now lies beside the bone
    volume.SetAndObserveTransformNodeID(transform.GetID())
    assert rows_of(segmentation, volume)["sacrum"]["hu_min"] == 0


def test_hu_are_found_through_a_bending_transform_that_only_one_of_the_two_lies_under(a_scene):
    import vtk

    geometry = Geometry.from_spacing((40, 36, 32), (1.0, 1.0, 1.0))
    segmentation, volume = a_case(*a_box(geometry))
    spline = vtk.vtkThinPlateSplineTransform()
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for corner in np.ndindex(2, 2, 2):
        source.InsertNextPoint(*(np.array(corner) * 40.0))
        target.InsertNextPoint(*(np.array(corner) * 40.0 + (5, 0, 0)))
    spline.SetSourceLandmarks(source)
    spline.SetTargetLandmarks(target)
    spline.SetBasisToR()
    bending = a_scene.AddNewNodeByClass("vtkMRMLTransformNode")
    bending.SetAndObserveTransformToParent(spline)
    segmentation.SetAndObserveTransformNodeID(bending.GetID())
    moved = rows_of(segmentation, volume)["sacrum"]
    assert moved["hu_min"] == -500
    assert moved["centroid_r"] == pytest.approx(20, abs=0.1)
    volume.SetAndObserveTransformNodeID(bending.GetID())
    assert rows_of(segmentation, volume)["sacrum"]["hu_min"] == 0


def test_an_empty_segment_has_no_voxels_and_nothing_else(a_scene):
    geometry = Geometry.from_spacing((40, 36, 32), (1.0, 1.0, 1.0))
    row = rows_of(*a_case(*a_box(geometry)))["hip_left"]
    assert row["voxels"] == 0 and row["volume_mm3"] == 0
    assert row["hu_mean"] is None and row["surface_mm2"] is None and row["centroid_r"] is None


def test_segments_of_the_user_are_measured_too(a_scene):
    import slicer

    geometry = Geometry.from_spacing((40, 36, 32), (1.0, 1.0, 1.0))
    array, _geometry, labels = a_box(geometry)
    segmentation, volume = a_case(array, geometry, labels)
    segmentation.GetSegmentation().AddEmptySegment("mine", "Mine", (1, 0, 0))
    drawn = np.zeros_like(labels)
    drawn[:4, :4, :4] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, segmentation, "mine", volume)
    rows = rows_of(segmentation, volume)
    assert rows["mine"]["voxels"] == 64
    assert rows["sacrum"]["voxels"] == 3000


def test_there_is_no_measuring_without_a_volume(a_scene):
    segmentation, _volume = a_case(*a_box(Geometry.from_spacing((40, 36, 32), (1.0, 1.0, 1.0))))
    with pytest.raises(InputError):
        rows_of(segmentation, None)


def test_rows_go_into_a_table_node_and_a_csv_file(a_scene, tmp_path):
    from BoneSegLib.scene.statistics import compute_statistics, statistics_table_node, write_statistics_csv

    rows = compute_statistics(*a_case(*a_box(Geometry.from_spacing((40, 36, 32), (1.0, 1.0, 1.0)))))
    node = statistics_table_node(rows, "Mine")
    assert node.GetNumberOfRows() == 10
    assert node.GetTable().GetValueByName(2, "name").ToString() == "Sacrum"
    assert node.GetTable().GetValueByName(2, "volume_mm3").ToDouble() == 3000
    assert np.isnan(node.GetTable().GetValueByName(0, "hu_mean").ToDouble())
    path = write_statistics_csv(rows, tmp_path / "s.csv")
    with path.open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert float(read[2]["hu_mean"]) == rows[2]["hu_mean"]
    assert read[0]["hu_mean"] == ""
    with pytest.raises(OutputError):
        write_statistics_csv(rows, tmp_path / "none" / "deeper" / "s.csv")


def test_what_the_run_noted_of_a_bone_stands_beside_its_measures(a_scene, tmp_path):
    from BoneSegLib.scene.statistics import compute_statistics, statistics_table_node, write_statistics_csv
    from BoneSegLib.scene.volume_node import add_volume_node
    from BoneSegLib.scene.write import write_segmentation

    array, geometry, labels = a_box(Geometry.from_spacing((40, 36, 32), (1.0, 1.0, 1.0)))
    noted = {
        "confidence": {"sacrum": 0.875},
        "flags": {"sacrum": ["unusually small", "low confidence"], "hip_left": ["not found"]},
    }
    volume = add_volume_node(Volume(array, geometry))
    rows = compute_statistics(write_segmentation(LabelMap(labels, geometry, info=noted), volume), volume)
    expected = {row["id"]: (None, "") for row in rows}
    expected |= {"sacrum": (0.875, "unusually small; low confidence"), "hip_left": (None, "not found")}
    assert {row["id"]: (row["confidence"], row["flags"]) for row in rows} == expected
    table = statistics_table_node(rows).GetTable()
    assert table.GetValueByName(2, "confidence").ToDouble() == 0.875
    assert table.GetValueByName(2, "flags").ToString() == "unusually small; low confidence"
    with write_statistics_csv(rows, tmp_path / "s.csv").open(encoding="utf-8") as file:
        read = {row["id"]: (row["confidence"], row["flags"]) for row in csv.DictReader(file)}
    assert read["sacrum"] == ("0.875", "unusually small; low confidence")
    assert read["hip_right"] == ("", "")


class FakeLogic:
    """Slicer's SegmentStatisticsLogic as far as it is used: keys by segment and plug-in, results on a node."""

    def __init__(self) -> None:
        import slicer

        self.node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "made by the constructor")

    def setParameterNode(self, node) -> None:
        self.node = node

    def computeStatistics(self) -> None:
        assert self.node.GetParameter("visibleSegmentsOnly") == "False"
        assert self.node.GetParameter("LabelmapSegmentStatisticsPlugin.feret_diameter_mm.enabled") == "True"
        assert self.node.GetParameter("Segmentation") and self.node.GetParameter("ScalarVolume")

    def getStatistics(self) -> dict:
        labelmap, scalar = "LabelmapSegmentStatisticsPlugin.", "ScalarVolumeSegmentStatisticsPlugin."
        return {
            "SegmentIDs": ["sacrum"],
            ("sacrum", labelmap + "voxel_count"): 5,
            ("sacrum", labelmap + "centroid_ras"): [1.0, 2.0, 3.0],
            ("sacrum", scalar + "mean"): 12.5,
        }


def test_inside_slicer_its_own_module_measures_and_the_scene_keeps_no_trace(a_scene, monkeypatch):
    import slicer

    module = types.ModuleType("SegmentStatistics")
    module.SegmentStatisticsLogic = FakeLogic
    monkeypatch.setitem(sys.modules, "SegmentStatistics", module)
    monkeypatch.setattr(slicer.modules, "segmentstatistics", object(), raising=False)
    case = a_case(*a_box(Geometry.from_spacing((40, 36, 32), (1.0, 1.0, 1.0))))
    before = a_scene.GetNumberOfNodes()
    rows = rows_of(*case)
    assert a_scene.GetNumberOfNodes() == before
    assert rows["sacrum"]["voxels"] == 5
    assert rows["sacrum"]["hu_mean"] == 12.5
    assert (rows["sacrum"]["centroid_r"], rows["sacrum"]["centroid_s"]) == (1.0, 3.0)
    assert rows["sacrum"]["name"] == BY_ID["sacrum"].name
    assert rows["hip_left"]["voxels"] == 0
