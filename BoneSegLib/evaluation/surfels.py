"""The area of the surface inside a cell of 2x2x2 voxel centres, for each of the 256 ways to fill its corners.

The surface in a cell is that of marching cubes with its vertices at the middles of the cell's edges. Two choices are
open in marching cubes; they are made so that the areas are those of Nikolov et al. (surface-distance, checked in the
tests): where a face is ambiguous, the corners that are fewer in the cell are cut off one by one; a polygon that is not
flat is divided into the triangles of largest total area in a cube of side 1. Derived here, no table is copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

import numpy as np

Corner = tuple[int, int, int]
Edge = frozenset[Corner]
Triangle = tuple[int, int, int]

CORNERS: tuple[Corner, ...] = tuple((k, j, i) for k, j, i in product((0, 1), repeat=3))
"""Corner number ``n`` of a cell (kji offsets) is bit ``1 << n`` of a cell's code."""


def surfel_areas(ijk_to_mm: np.ndarray) -> np.ndarray:
    """(256,) surface area in mm2 by cell code.

    ``ijk_to_mm``: the 3x3 part of a grid's matrix (columns are the steps along i, j, k in mm); any, sheared included.
    """
    kji_to_mm = np.asarray(ijk_to_mm, dtype=float)[:3, :3][:, ::-1]
    codes, triangles = _triangles()
    return np.bincount(codes, weights=_areas(triangles @ kji_to_mm.T), minlength=256)


@cache
def _triangles() -> tuple[np.ndarray, np.ndarray]:
    """All triangles of all codes: the code (n,) and the vertices (n, 3, kji) in cell units of each."""
    codes, triangles = [], []
    for code in range(256):
        inside = {corner for number, corner in enumerate(CORNERS) if code >> number & 1}
        for polygon in _polygons(inside):
            found = _triangulate(polygon)
            triangles.append(found)
            codes += [code] * len(found)
    return np.array(codes), np.concatenate(triangles)


def _polygons(inside: set[Corner]) -> list[np.ndarray]:
    """The closed polygons between inside and outside corners; vertices (n, kji) at the middles of crossed edges."""
    few = inside if len(inside) <= 4 else set(CORNERS) - inside
    neighbours: dict[Edge, list[Edge]] = {}
    for first, second in _links(inside, few):
        neighbours.setdefault(first, []).append(second)
        neighbours.setdefault(second, []).append(first)
    polygons = []
    left = set(neighbours)
    while left:
        edge: Edge | None = min(left, key=sorted)
        loop = []
        while edge is not None:
            left.remove(edge)
            loop.append(np.mean(sorted(edge), axis=0))
            edge = next((other for other in neighbours[edge] if other in left), None)
        polygons.append(np.array(loop))
    return polygons


def _links(inside: set[Corner], few: set[Corner]) -> Iterator[tuple[Edge, Edge]]:
    """On each face the pairs of crossed edges that a line of the surface joins."""
    for face in _faces():
        edges = [frozenset((face[n], face[(n + 1) % 4])) for n in range(4)]
        crossed = [edge for edge in edges if len(edge & inside) == 1]
        if len(crossed) == 2:
            yield crossed[0], crossed[1]
        elif len(crossed) == 4:
            for n in range(4):
                if face[n] in few:
                    yield edges[n - 1], edges[n]


def _faces() -> Iterator[tuple[Corner, ...]]:
    """The four corners of each face of the cell, in a round."""
    for axis in range(3):
        for side in (0, 1):
            corners = []
            for a, b in ((0, 0), (0, 1), (1, 1), (1, 0)):
                place = [a, b]
                place.insert(axis, side)
                corners.append((place[0], place[1], place[2]))
            yield tuple(corners)


def _triangulate(polygon: np.ndarray) -> np.ndarray:
    """The triangles (n, 3 vertices, kji) of the triangulation with the largest area."""
    choices = polygon[np.array(_triangulations(0, len(polygon) - 1))]
    return choices[int(_areas(choices).sum(axis=-1).argmax())]


@cache
def _triangulations(first: int, last: int) -> tuple[tuple[Triangle, ...], ...]:
    """All ways to divide the polygon of vertices ``first`` to ``last`` into triangles."""
    if last - first < 2:
        return ((),)
    return tuple(
        ((first, middle, last), *before, *after)
        for middle in range(first + 1, last)
        for before in _triangulations(first, middle)
        for after in _triangulations(middle, last)
    )


def _areas(triangles: np.ndarray) -> np.ndarray:
    """The area of each triangle (..., 3 vertices, 3)."""
    first, second = triangles[..., 1, :] - triangles[..., 0, :], triangles[..., 2, :] - triangles[..., 0, :]
    return np.linalg.norm(np.cross(first, second), axis=-1) / 2
