"""Binary STL: triangles without colour or name, what printers take."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from BoneSegLib.meshes.surface import Mesh

_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("unused", "<u2")])


def write_stl(mesh: Mesh, path: Path) -> None:
    """Writes LPS mm. The header says so in the words by which Slicer knows the axes."""
    records = np.zeros(len(mesh.triangles), _TRIANGLE)
    corners = mesh.points[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    records["normal"] = normals / np.where(lengths > 0, lengths, 1.0)
    records["corners"] = corners
    header = f"BoneSeg {mesh.structure.id}. SPACE=LPS. UNIT=mm".encode("ascii", "replace")[:80].ljust(80)
    with path.open("wb") as file:
        file.write(header)
        file.write(np.uint32(len(records)).astype("<u4").tobytes())
        file.write(records.tobytes())
