"""The report and what it is made of."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from evaluation_shapes import ball_mask, box_mask, labelmap, rotation

from BoneSegLib.errors import InputError
from BoneSegLib.evaluation import surface_view
from BoneSegLib.evaluation.charts import DISTANCE, OVERLAP, bar_chart
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.contours import outline_path, png_uri
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.report import write_report
from BoneSegLib.evaluation.slices import worst_slices
from BoneSegLib.evaluation.surface_mesh import DISTANCE as SCALARS
from BoneSegLib.evaluation.surface_mesh import surface_distance_polydata
from BoneSegLib.volume import Geometry, LabelMap, Volume

HIP = CompareOptions(structures=("hip_left",))
SHAPE = (24, 26, 28)


def balls(matrix=None):
    reference = labelmap(ball_mask(SHAPE, (1, 1, 1), (12, 12, 12), 6), matrix=matrix)
    test = labelmap(ball_mask(SHAPE, (1, 1, 1), (12, 12, 14), 6), matrix=matrix)
    return reference, test


def test_the_outline_of_a_pixel_is_its_four_edges():
    mask = np.zeros((3, 4), dtype=bool)
    mask[1, 2] = True
    assert sorted(re.findall(r"M\d+ \d+[HV]\d+", outline_path(mask))) == ["M2 1H3", "M2 1V2", "M2 2H3", "M3 1V2"]


def test_the_outline_has_the_length_of_the_border_and_merges_straight_runs():
    mask = box_mask((1, 10, 12), (0, 2, 3), (1, 6, 9))[0]
    runs = re.findall(r"M(\d+) (\d+)([HV])(\d+)", outline_path(mask))
    assert len(runs) == 4
    lengths = [int(to) - int(x if way == "H" else y) for x, y, way, to in runs]
    assert sum(lengths) == 2 * (4 + 6)


def test_an_outline_reaches_the_picture_edge_and_nothing_has_none():
    assert outline_path(np.ones((2, 2), dtype=bool)) == "M0 0H2M0 2H2M0 0V2M2 0V2"
    assert outline_path(np.zeros((2, 2), dtype=bool)) == ""


def test_the_png_is_read_back_by_vtk(tmp_path):
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOImage import vtkPNGReader

    gray = np.random.default_rng(0).integers(0, 256, size=(7, 11)).astype(np.uint8)
    (tmp_path / "gray.png").write_bytes(base64.b64decode(png_uri(gray).split(",")[1]))
    reader = vtkPNGReader()
    reader.SetFileName(str(tmp_path / "gray.png"))
    reader.Update()
    read = vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()).reshape(7, 11)[::-1]
    np.testing.assert_array_equal(read, gray)


@pytest.mark.parametrize(
    ("directions", "origin"),
    [
        (np.eye(3), (0, 0, 0)),
        (np.diag([-1, -1, 1]), (27, 25, 0)),
        (np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]]), (0, 0, 0)),
    ],
    ids=["RAS", "LPS", "stored as AS R"],
)
def test_slices_are_shown_as_a_radiologist_looks_at_them(directions, origin):
    # A reference whose differing voxels lie at the patient's right, front and top of it.
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = directions, origin
    size = tuple(int(n) for n in np.abs(directions.T @ (28, 26, 24)).astype(int))
    geometry = Geometry(size, matrix)
    k, j, i = np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij")
    r, a, s = (row[0] * i + row[1] * j + row[2] * k + row[3] for row in matrix[:3])
    block = (abs(r - 12) <= 4) & (abs(a - 12) <= 4) & (abs(s - 12) <= 4)
    corner = (r >= 14) & (a >= 14) & (abs(s - 12) <= 0)  # in one axial slice only
    reference = LabelMap(block.astype(np.uint8), geometry)
    test = LabelMap((block & ~corner).astype(np.uint8), geometry)
    (view,) = worst_slices(compare_labelmaps(reference, test, options=HIP), reference, test)
    assert view.plane == "axial" and view.sides == ("R", "L", "A", "P")
    missing = np.argwhere(view.reference & ~view.test)
    middle = np.argwhere(view.reference).mean(axis=0)
    assert (missing.mean(axis=0) < middle).all(), "anterior is up, the patient's right is at the left"
    assert view.area_mm2 == 9.0


def test_equal_structures_have_no_worst_slice():
    reference, _ = balls()
    assert worst_slices(compare_labelmaps(reference, reference, options=HIP), reference, reference) == []


def test_charts_are_well_formed_whatever_is_missing():
    reference, test = balls()
    comparison = compare_labelmaps(reference, test, options=CompareOptions(structures=("pelvis",)))
    for sets in (OVERLAP, DISTANCE):
        chart = bar_chart(comparison, sets)
        ET.fromstring(chart)
        assert "Left hip bone" in chart and "not defined" in chart and "nan" not in chart


@pytest.mark.parametrize("turn", [np.eye(3), rotation(30, (1, 2, 3)), np.diag([-1.0, 1.0, 1.0])])
def test_the_coloured_surface_lies_where_the_bone_is_and_tells_signed_distances(turn):
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkMassProperties

    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, (5, -7, 90)
    reference, test = balls(matrix)
    surface = surface_distance_polydata(reference, test, "hip_left")
    points = vtk_to_numpy(surface.GetPoints().GetData())
    centre = matrix @ [14, 12, 12, 1]
    assert np.linalg.norm(points - centre[:3], axis=1) == pytest.approx(np.full(len(points), 6), abs=1.0)
    distances = vtk_to_numpy(surface.GetPointData().GetArray(SCALARS))
    assert distances.max() == pytest.approx(2, abs=0.3) and distances.min() == pytest.approx(-2, abs=0.3)
    ahead = (points - centre[:3]) @ turn[:, 0] > 4
    assert (distances[ahead] > 0).all(), "the side that the test was moved to lies outside the reference"
    mass = vtkMassProperties()
    mass.SetInputData(surface)
    assert mass.GetVolume() == pytest.approx(4 / 3 * np.pi * 6**3, rel=0.06)


def test_equal_segmentations_are_nowhere_apart():
    reference, _ = balls()
    assert surface_distance_polydata(reference, reference, "hip_left").GetPointData().GetScalars().GetRange() == (0, 0)


@pytest.mark.parametrize("structure", ["sacrum", "skull"])
def test_a_surface_that_is_missing_is_told(structure):
    with pytest.raises(InputError):
        surface_distance_polydata(*balls(), structure)


def test_the_report_is_one_well_formed_page_that_needs_nothing_else(tmp_path):
    reference, test = balls()
    image = Volume(np.full(SHAPE, 300.0), reference.geometry)
    comparison = compare_labelmaps(reference, test, options=CompareOptions(structures=("pelvis",)))
    notes = write_report(
        tmp_path / "report.html", comparison, reference, test, image=image, titles=("A & B", "<c>"), surfaces=False
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert notes == []
    assert "A &amp; B" in page and "&lt;c&gt;" in page
    assert "Left hip bone" in page and "absent from both" in page and "Nikolov" in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "nan" not in re.sub(r"base64,[\w+/=]*", "", page)
    for drawing in re.findall(r"<svg.*?</svg>", page):
        ET.fromstring(drawing)


def test_the_report_is_made_without_the_3d_view_where_nothing_can_be_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(surface_view, "TIME_LIMIT_S", 0.001)
    reference, test = balls()
    comparison = compare_labelmaps(reference, test, options=HIP)
    notes = write_report(tmp_path / "report.html", comparison, reference, test)
    assert notes and notes[0].startswith("Without the 3D view: The 3D view could not be drawn here.")
    assert "Without the 3D view" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_3d_view_is_drawn_where_there_is_opengl(tmp_path):
    from BoneSegLib.errors import MissingError

    try:
        picture = surface_view.draw_surfaces([surface_distance_polydata(*balls(), "hip_left")], limit_mm=2.0)
    except MissingError as error:
        pytest.skip(f"no OpenGL here: {error.cause}")
    assert picture.startswith(b"\x89PNG")
