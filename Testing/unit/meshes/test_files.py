"""Mesh files as other programs read them."""

from __future__ import annotations

import dataclasses
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.errors import OutputError
from BoneSegLib.meshes import FORMATS
from BoneSegLib.meshes.solid import enclosed_volume, open_edges
from BoneSegLib.meshes.surface import make_meshes
from BoneSegLib.meshes.write import ALL_IN_ONE, write_meshes
from Testing.unit.meshes.shapes import CENTRES, RADIUS, balls, grid

LABELS = balls(grid((1.5, 1.5, 2.5)))
VOLUME = 4 / 3 * np.pi * RADIUS**3


def read_with_vtk(path: Path):
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOGeometry import vtkOBJReader, vtkSTLReader

    reader = vtkSTLReader() if path.suffix == ".stl" else vtkOBJReader()
    reader.SetFileName(str(path))
    reader.Update()
    surface = reader.GetOutput()
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return vtk_to_numpy(surface.GetPoints().GetData()).astype(float), triangles


@pytest.mark.parametrize("form", ["stl", "obj"])
def test_a_file_for_each_bone_holds_its_closed_surface_in_lps_mm(tmp_path, form):
    paths = write_meshes(LABELS, tmp_path / "meshes", form)
    assert [path.name for path in paths] == [f"{name}.{form}" for name in CENTRES]
    for path in paths:
        points, triangles = read_with_vtk(path)
        assert open_edges(triangles) == 0
        assert enclosed_volume(points, triangles) == pytest.approx(VOLUME, rel=0.02)
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        assert np.allclose(middle, np.array(CENTRES[path.stem]) * (-1, -1, 1), atol=1.3)
        assert b"SPACE=LPS" in path.read_bytes()[:80]


def test_an_stl_has_as_many_bytes_as_its_head_says_and_does_not_begin_like_a_text(tmp_path):
    for path in write_meshes(LABELS, tmp_path, "stl"):
        content = path.read_bytes()
        (count,) = struct.unpack("<I", content[80:84])
        assert len(content) == 84 + 50 * count
        assert not content.startswith(b"solid")


def chunks(path: Path) -> tuple[dict, bytes]:
    """The document and the binary part of a GLB, its head checked."""
    content = path.read_bytes()
    magic, version, length = struct.unpack("<4sII", content[:12])
    assert (magic, version, length) == (b"glTF", 2, len(content))
    size, kind = struct.unpack("<I4s", content[12:20])
    assert kind == b"JSON"
    assert size % 4 == 0
    start = 20 + size
    binary_size, binary_kind = struct.unpack("<I4s", content[start : start + 8])
    assert binary_kind == b"BIN\0"
    assert start + 8 + binary_size == len(content)
    return json.loads(content[20:start]), content[start + 8 :]


def array_of(document: dict, binary: bytes, index: int) -> np.ndarray:
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    assert view["byteOffset"] % 4 == 0
    kind = {5126: "<f4", 5125: "<u4"}[accessor["componentType"]]
    width = {"VEC3": 3, "SCALAR": 1}[accessor["type"]]
    data = np.frombuffer(binary[view["byteOffset"] :][: view["byteLength"]], kind).reshape(-1, width)
    assert len(data) == accessor["count"]
    return data


def test_a_glb_holds_every_bone_with_its_name_colour_and_closed_surface(tmp_path):
    (path,) = write_meshes(LABELS, tmp_path, "glb")
    assert path.name == ALL_IN_ONE
    document, binary = chunks(path)
    assert document["asset"]["version"] == "2.0"
    assert document["buffers"] == [{"byteLength": len(binary)}]
    (root,) = (document["nodes"][index] for index in document["scenes"][0]["nodes"])
    nodes = [document["nodes"][index] for index in root["children"]]
    assert [node["name"] for node in nodes] == [BY_ID[name].name for name in CENTRES]
    for node, name in zip(nodes, CENTRES, strict=True):
        (primitive,) = document["meshes"][node["mesh"]]["primitives"]
        points = array_of(document, binary, primitive["attributes"]["POSITION"])
        normals = array_of(document, binary, primitive["attributes"]["NORMAL"])
        triangles = array_of(document, binary, primitive["indices"]).reshape(-1, 3)
        assert open_edges(triangles) == 0
        assert enclosed_volume(points.astype(float), triangles) == pytest.approx(VOLUME, rel=0.02)
        bounds = document["accessors"][primitive["attributes"]["POSITION"]]
        assert np.allclose(bounds["min"], points.min(axis=0))
        assert np.allclose(bounds["max"], points.max(axis=0))
        assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
        centre = np.array(CENTRES[name]) * (-1, -1, 1)
        assert (np.einsum("ij,ij->i", normals, points - centre) > 0.6 * RADIUS).all(), "normals face outwards"
        red, green, blue, opacity = document["materials"][primitive["material"]]["pbrMetallicRoughness"][
            "baseColorFactor"
        ]
        assert opacity == 1.0
        encoded = [255 * (1.055 * value ** (1 / 2.4) - 0.055) for value in (red, green, blue)]
        assert np.allclose(encoded, BY_ID[name].color, atol=0.1)


def test_a_viewer_sees_a_glb_upright_in_metres_with_the_face_towards_it(tmp_path):
    from vtkmodules.vtkIOGeometry import vtkGLTFReader

    (path,) = write_meshes(LABELS, tmp_path, "glb")
    reader = vtkGLTFReader()
    reader.SetFileName(str(path))
    reader.Update()
    bounds = [0.0] * 6
    reader.GetOutput().GetBounds(bounds)
    x, y, z = ((low + high) / 2 for low, high in zip(bounds[::2], bounds[1::2], strict=True))
    # The middle of both balls in RAS is (0, -1, 11): left is +x, up is +y, and forwards (anterior) is +z.
    assert np.allclose((x, y, z), (0.0, 0.011, -0.001), atol=0.0015)
    assert bounds[1] - bounds[0] == pytest.approx(0.100, abs=0.003)


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_found_leaves_no_mesh_and_no_half_written_file(tmp_path, form):
    write_meshes(LABELS, tmp_path, form)
    empty = dataclasses.replace(LABELS, array=np.zeros_like(LABELS.array))
    paths = write_meshes(empty, tmp_path, form)
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in paths]
    assert list(make_meshes(empty)) == []


def test_a_mesh_of_a_bone_that_is_gone_does_not_stay_and_other_files_do(tmp_path):
    write_meshes(LABELS, tmp_path, "stl")
    (tmp_path / "mine.stl").write_text("solid mine")
    array = np.where(LABELS.array == BY_ID["sacrum"].label, 0, LABELS.array)
    write_meshes(dataclasses.replace(LABELS, array=array), tmp_path, "stl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hip_left.stl", "mine.stl"]


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "meshes").write_text("")
    with pytest.raises(OutputError):
        write_meshes(LABELS, tmp_path / "meshes", "stl")
