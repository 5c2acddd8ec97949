"""GLB, the binary form of glTF 2.0: all bones in one file, with names, colours and shading."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from BoneSegLib._version import __version__
from BoneSegLib.meshes.solid import outward_normals
from BoneSegLib.meshes.surface import Mesh

_MAGIC, _VERSION, _JSON, _BIN = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
_FLOAT, _UNSIGNED_INT, _VERTICES, _INDICES = 5126, 5125, 34962, 34963
# glTF counts metres, Y upwards, X to the left of what faces the viewer: (L, P, S) mm becomes (L, S, -P) m. By columns.
_LPS_MM_TO_GLTF = (0.001, 0, 0, 0, 0, 0, -0.001, 0, 0, 0.001, 0, 0, 0, 0, 0, 1)


def write_glb(meshes: Sequence[Mesh], path: Path) -> None:
    """Writes a node, mesh and material for each bone. Vertices are LPS mm; the root node turns them to glTF's axes."""
    blocks: list[bytes] = []
    scene = _Scene(blocks)
    for mesh in meshes:
        scene.add(mesh)
    binary = b"".join(blocks)
    text = json.dumps(scene.document(len(binary)), separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = [(len(text), _JSON, text)] + ([(len(binary), _BIN, binary)] if binary else [])
    total = 12 + sum(8 + size for size, _, _ in chunks)
    with path.open("wb") as file:
        file.write(np.array([_MAGIC, _VERSION, total], "<u4").tobytes())
        for size, kind, content in chunks:
            file.write(np.array([size, kind], "<u4").tobytes())
            file.write(content)


class _Scene:
    """Collects what glTF's document lists; the arrays go to ``blocks``, each of a length that four divides."""

    def __init__(self, blocks: list[bytes]) -> None:
        self._blocks = blocks
        self._offset = 0
        self._lists: dict[str, list[Any]] = {
            name: [] for name in ("meshes", "materials", "accessors", "bufferViews", "nodes")
        }

    def add(self, mesh: Mesh) -> None:
        normals = outward_normals(mesh.points.astype(np.float64), mesh.triangles)[0]
        position = self._accessor(mesh.points.astype("<f4"), _FLOAT, "VEC3", _VERTICES, bounds=True)
        normal = self._accessor(normals.astype("<f4"), _FLOAT, "VEC3", _VERTICES)
        indices = self._accessor(mesh.triangles.astype("<u4").ravel(), _UNSIGNED_INT, "SCALAR", _INDICES)
        name = mesh.structure.name
        primitive = {
            "attributes": {"POSITION": position, "NORMAL": normal},
            "indices": indices,
            "material": self._append("materials", _material(name, mesh.structure.color)),
        }
        shape = self._append("meshes", {"name": name, "primitives": [primitive]})
        self._append("nodes", {"name": name, "mesh": shape, "extras": {"id": mesh.structure.id}})

    def document(self, length: int) -> dict[str, Any]:
        """The glTF document; lists without members are not allowed in it."""
        bones = list(range(len(self._lists["nodes"])))
        root: dict[str, Any] = {"name": "Bones (LPS mm)", "matrix": list(_LPS_MM_TO_GLTF)}
        if bones:
            root["children"] = bones
        self._append("nodes", root)
        return {
            "asset": {"version": "2.0", "generator": f"BoneSeg {__version__}"},
            "scene": 0,
            "scenes": [{"nodes": [len(bones)]}],
            **{name: members for name, members in self._lists.items() if members},
            **({"buffers": [{"byteLength": length}]} if length else {}),
        }

    def _accessor(self, array: np.ndarray, component: int, kind: str, target: int, *, bounds: bool = False) -> int:
        content = array.tobytes()
        self._blocks.append(content)
        view = {"buffer": 0, "byteOffset": self._offset, "byteLength": len(content), "target": target}
        self._offset += len(content)
        accessor = {
            "bufferView": self._append("bufferViews", view),
            "componentType": component,
            "count": len(array),
            "type": kind,
        }
        if bounds:
            accessor |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        return self._append("accessors", accessor)

    def _append(self, name: str, member: dict[str, Any]) -> int:
        self._lists[name].append(member)
        return len(self._lists[name]) - 1


def _material(name: str, color: tuple[int, int, int]) -> dict[str, Any]:
    # glTF's factors are linear light; our colours are sRGB (IEC 61966-2-1).
    srgb = np.asarray(color) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    surface = {"baseColorFactor": [*np.round(linear, 6).tolist(), 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.7}
    return {"name": name, "pbrMetallicRoughness": surface}
