"""Mesh files as Slicer loads them."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.meshes.write import write_meshes
from Testing.unit.meshes.shapes import CENTRES, balls, grid


@pytest.mark.parametrize("form", ["stl", "obj"])
def test_slicer_puts_a_mesh_where_the_bone_lies(a_scene, tmp_path, form):
    labels = balls(grid((2.0, 2.0, 2.0)))
    for path in write_meshes(labels, tmp_path, form):
        node = a_scene.AddNewNodeByClass("vtkMRMLModelNode")
        storage = a_scene.AddNewNodeByClass("vtkMRMLModelStorageNode")
        storage.SetFileName(str(path))
        assert storage.ReadData(node)
        bounds = np.zeros(6)
        node.GetRASBounds(bounds)
        assert np.allclose((bounds[::2] + bounds[1::2]) / 2, CENTRES[path.stem], atol=1.0)
