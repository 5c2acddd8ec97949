"""The bones of a label map as mesh files in a folder."""

from __future__ import annotations

from pathlib import Path

from BoneSegLib.errors import InternalError
from BoneSegLib.headless.atomic import check_writable, replacing
from BoneSegLib.meshes.glb import write_glb
from BoneSegLib.meshes.obj import write_obj
from BoneSegLib.meshes.solid import open_edges
from BoneSegLib.meshes.stl import write_stl
from BoneSegLib.meshes.surface import Mesh, make_meshes
from BoneSegLib.volume import LabelMap

ALL_IN_ONE = "bones.glb"


def write_meshes(labels: LabelMap, folder: Path, form: str) -> tuple[Path, ...]:
    """Writes ``<id>.stl`` or ``<id>.obj`` of each bone that has voxels, or `ALL_IN_ONE`; returns their paths.

    Each file is there whole or not at all. A mesh that an earlier run left of a bone that is not there now is removed.
    Raises `OutputError`, `ResourceError`.
    """
    check_writable(folder / "mesh")
    if form == "glb":
        path = folder / ALL_IN_ONE
        with replacing(path) as temporary:
            write_glb([_checked(mesh) for mesh in make_meshes(labels)], temporary)
        return (path,)
    write = {"stl": write_stl, "obj": write_obj}[form]
    written = []
    for mesh in make_meshes(labels):
        path = folder / f"{mesh.structure.id}.{form}"
        with replacing(path) as temporary:
            write(_checked(mesh), temporary)
        written.append(path)
    for structure in labels.structures:
        path = folder / f"{structure.id}.{form}"
        if path not in written:
            path.unlink(missing_ok=True)
    return tuple(written)


def _checked(mesh: Mesh) -> Mesh:
    """A mesh with a hole cannot be printed, and its volume means nothing."""
    holes = open_edges(mesh.triangles)
    if holes:
        raise InternalError(
            f"The surface of '{mesh.structure.name}' is not closed.",
            cause=f"{holes} edges are open or shared by more than two triangles.",
            remedy="Please report this.",
        )
    return mesh
