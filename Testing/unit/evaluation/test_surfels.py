"""Surface elements: their areas by cell code."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_shapes import rotation

from BoneSegLib.evaluation.surfaces import cell_codes
from BoneSegLib.evaluation.surfels import CORNERS, surfel_areas


def code_of(*corners):
    return sum(1 << CORNERS.index(corner) for corner in corners)


def test_cells_without_both_inside_and_outside_have_no_surface():
    areas = surfel_areas(np.eye(3))
    assert areas[0] == areas[255] == 0
    assert (areas[1:255] > 0).all()


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.9, 2.5)])
def test_a_flat_face_has_the_area_of_a_voxels_face(spacing):
    i, j, k = spacing
    areas = surfel_areas(np.diag(spacing))
    assert areas[code_of((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1))] == pytest.approx(i * j, rel=1e-14)
    assert areas[code_of((0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 0, 1))] == pytest.approx(i * k, rel=1e-14)
    assert areas[code_of((0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0))] == pytest.approx(j * k, rel=1e-14)


def test_a_corner_and_an_edge_are_cut_at_the_middles_of_the_cells_edges():
    areas = surfel_areas(np.eye(3))
    assert areas[code_of((0, 0, 0))] == pytest.approx(np.sqrt(3) / 8, rel=1e-14)
    assert areas[code_of((0, 0, 0), (0, 0, 1))] == pytest.approx(np.sqrt(0.5), rel=1e-14)


def test_inside_and_outside_may_be_exchanged():
    areas = surfel_areas(np.diag([0.7, 0.9, 2.5]))
    np.testing.assert_allclose(areas, areas[::-1], rtol=1e-12)


def test_turning_or_mirroring_the_grid_changes_no_area():
    spacing = np.diag([0.7, 0.9, 2.5])
    turned = rotation(33, (1, 2, 3)) @ spacing
    np.testing.assert_allclose(surfel_areas(turned), surfel_areas(spacing), rtol=1e-12)
    np.testing.assert_allclose(surfel_areas(turned @ np.diag([-1, 1, 1])), surfel_areas(spacing), rtol=1e-12)


def test_a_sheared_grid_has_the_areas_of_its_parallelograms():
    sheared = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    flat_in_ik = code_of((0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 0, 1))
    flat_in_jk = code_of((0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0))
    assert surfel_areas(sheared)[flat_in_ik] == pytest.approx(1.0, rel=1e-14)
    assert surfel_areas(sheared)[flat_in_jk] == pytest.approx(np.hypot(1.0, 0.5), rel=1e-14)


def test_a_single_voxel_is_a_double_pyramid_of_eight_corners():
    mask = np.zeros((3, 3, 3), dtype=bool)
    mask[1, 1, 1] = True
    codes = cell_codes(mask)
    assert sorted(codes[codes > 0].tolist()) == [1 << bit for bit in range(8)]
    assert surfel_areas(np.eye(3))[codes].sum() == pytest.approx(np.sqrt(3), rel=1e-14)


@pytest.mark.parametrize("spacing_kji", [(1.0, 1.0, 1.0), (2.5, 0.9, 0.7)])
def test_all_areas_are_those_of_surface_distance(spacing_kji):
    tables = pytest.importorskip(
        "surface_distance.lookup_tables", reason="surface-distance, the oracle of the surfel areas, is not installed"
    )
    theirs = tables.create_table_neighbour_code_to_surface_area(spacing_kji)
    kernel = tables.ENCODE_NEIGHBOURHOOD_3D_KERNEL
    ours = surfel_areas(np.diag(spacing_kji[::-1]))
    for code in range(256):
        inside = [corner for number, corner in enumerate(CORNERS) if code >> number & 1]
        # Their table knows six decimals only of some entries.
        assert ours[code] == pytest.approx(theirs[sum(int(kernel[c]) for c in inside)], rel=1e-6), code
