"""Wavefront OBJ: triangles as text, with a name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from BoneSegLib.meshes.surface import Mesh


def write_obj(mesh: Mesh, path: Path) -> None:
    """Writes LPS mm. Comments say so, and the colour, for which the format needs a second file."""
    color = " ".join(str(value) for value in mesh.structure.color)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"# BoneSeg. SPACE=LPS. UNIT=mm\n# RGB {color}\no {mesh.structure.id}\n")
        np.savetxt(file, mesh.points, fmt="v %.6g %.6g %.6g")
        np.savetxt(file, mesh.triangles + 1, fmt="f %d %d %d")
