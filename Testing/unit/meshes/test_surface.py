"""Surfaces of labels: closed, smooth, facing outwards, in their place, as large as the labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.meshes.solid import enclosed_volume, open_edges
from BoneSegLib.meshes.surface import make_meshes
from BoneSegLib.volume import Geometry, LabelMap
from Testing.unit.meshes.shapes import CENTRES, RADIUS, balls, grid

GRIDS = pytest.mark.parametrize(
    "geometry",
    [
        grid((1.0, 1.0, 1.0)),
        grid((0.9, 1.1, 3.0)),
        grid((1.5, 1.5, 2.0), left_handed=True),
        grid((1.0, 1.0, 2.5), degrees=25),
    ],
    ids=["even", "thick slices", "left-handed", "oblique"],
)
TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.uint32)


@GRIDS
def test_each_ball_becomes_a_closed_surface_around_its_centre_with_its_volume(geometry):
    labels = balls(geometry)
    meshes = list(make_meshes(labels))
    assert [mesh.structure.id for mesh in meshes] == list(CENTRES)
    for mesh in meshes:
        assert open_edges(mesh.triangles) == 0
        volume = enclosed_volume(mesh.points.astype(float), mesh.triangles)
        voxels = np.count_nonzero(labels.array == mesh.structure.label) * geometry.voxel_volume
        assert volume == pytest.approx(voxels, rel=2e-3)
        assert volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.02)
        centre = np.array(CENTRES[mesh.structure.id]) * (-1, -1, 1)
        distances = np.linalg.norm(mesh.points - centre, axis=1)
        assert abs(distances - RADIUS).max() < max(geometry.spacing)


def test_smoothing_takes_the_steps_of_the_voxels_away():
    labels = balls(grid((2.0, 2.0, 2.0)))
    centre = np.array(CENTRES["hip_left"]) * (-1, -1, 1)
    angles = []
    for smooth in (False, True):
        mesh = next(iter(make_meshes(labels, smooth=smooth)))
        corners = mesh.points[mesh.triangles] - centre
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        outwards = corners.mean(axis=1)
        cosines = np.einsum("ij,ij->i", normals, outwards)
        cosines /= np.linalg.norm(normals, axis=1) * np.linalg.norm(outwards, axis=1)
        angles.append(float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).mean()))
    rough, smoothed = angles
    assert rough > 15
    assert smoothed < 0.6 * rough


def test_a_bone_cut_by_the_image_edge_is_closed_there():
    labels = balls(grid((1.0, 1.0, 1.0)))
    cut = labels.array[:, :, : labels.array.shape[2] // 2 - 30]
    half = LabelMap(np.ascontiguousarray(cut), Geometry(cut.shape[::-1], labels.geometry.ijk_to_ras))
    (mesh,) = make_meshes(half)
    assert np.count_nonzero(cut) < 0.8 * np.count_nonzero(labels.array == mesh.structure.label)
    assert open_edges(mesh.triangles) == 0
    assert enclosed_volume(mesh.points.astype(float), mesh.triangles) == pytest.approx(np.count_nonzero(cut), rel=2e-3)


@pytest.mark.parametrize("seed", range(3))
def test_ragged_labels_that_touch_at_edges_and_corners_give_closed_surfaces_too(seed):
    rng = np.random.default_rng(seed)
    array = (rng.random((12, 13, 14)) < 0.4).astype(np.uint8) * BY_ID["sacrum"].label
    labels = LabelMap(array, Geometry((14, 13, 12), np.eye(4)))
    for smooth in (False, True):
        (mesh,) = make_meshes(labels, smooth=smooth)
        assert open_edges(mesh.triangles) == 0


def test_a_single_voxel_and_no_voxel_at_all():
    geometry = grid((1.0, 1.0, 1.0))
    array = np.zeros(geometry.shape, np.uint8)
    assert list(make_meshes(LabelMap(array, geometry))) == []
    array[5, 5, 5] = BY_ID["vertebra_L5"].label
    (mesh,) = make_meshes(LabelMap(array, geometry))
    assert open_edges(mesh.triangles) == 0
    assert np.isfinite(mesh.points).all()


def test_structures_keep_their_order_and_only_those_asked_for_are_made():
    labels = balls(grid((2.0, 2.0, 2.0)))
    only = replace(labels, structures=(BY_ID["sacrum"], BY_ID["femur_left"]))
    assert [mesh.structure.id for mesh in make_meshes(only)] == ["sacrum"]


@pytest.mark.parametrize(
    ("triangles", "expected"),
    [
        (TETRAHEDRON, 0),
        (TETRAHEDRON[:3], 3),
        (np.vstack([TETRAHEDRON, TETRAHEDRON + 4]), 0),
        (np.vstack([TETRAHEDRON[:3], TETRAHEDRON[3:, ::-1]]), 3),
        (np.vstack([TETRAHEDRON, [[0, 1, 4]]]), 3),
    ],
    ids=["closed", "a side open", "two bodies", "a side turned over", "a fin"],
)
def test_edges_that_are_not_between_two_triangles_are_counted(triangles, expected):
    assert open_edges(triangles) >= expected
    assert (open_edges(triangles) == 0) == (expected == 0)


def test_the_volume_of_a_tetrahedron_is_a_sixth_of_its_box_and_negative_inside_out():
    points = np.array([[0, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 4]], float) + 1000
    assert enclosed_volume(points, TETRAHEDRON) == pytest.approx(4.0)
    assert enclosed_volume(points, TETRAHEDRON[:, ::-1]) == pytest.approx(-4.0)
