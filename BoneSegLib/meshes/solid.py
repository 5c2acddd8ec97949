"""Whether triangles enclose a volume, how large it is, and which way is out."""

from __future__ import annotations

import numpy as np


def open_edges(triangles: np.ndarray) -> int:
    """How many edges do not belong to exactly two triangles that run along it in opposite directions; 0 is watertight.

    ``triangles``: (m, 3) indices. Counts boundaries, edges where more than two triangles meet, and wrong orientation.
    """
    start = triangles.astype(np.int64).ravel()
    end = np.roll(triangles.astype(np.int64), -1, axis=1).ravel()
    width = int(triangles.max(initial=0)) + 1
    forward, counts = np.unique(start * width + end, return_counts=True)
    twin = np.isin((forward % width) * width + forward // width, forward, assume_unique=True)
    return int(np.count_nonzero((counts != 1) | ~twin))


def enclosed_volume(points: np.ndarray, triangles: np.ndarray) -> float:
    """mm3 inside a closed surface (divergence theorem); negative where the triangles face inwards."""
    # About the centre, since positions far from the origin would cost digits.
    corners = (points - points.mean(axis=0))[triangles]
    return float(np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0)


def outward_normals(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, float]:
    """Unit normals at the points (n, 3), weighted by the areas around them, and the surface's area in mm2."""
    corners = points[triangles]
    doubled = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = triangles.astype(np.int64).ravel()
    normals = np.column_stack(
        [np.bincount(flat, np.repeat(doubled[:, axis], 3), minlength=len(points)) for axis in range(3)]
    )
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(lengths > 0, lengths, 1.0), float(np.linalg.norm(doubled, axis=1).sum() / 2)
