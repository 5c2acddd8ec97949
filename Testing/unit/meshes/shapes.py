"""Labels of bodies whose surface and volume are known."""

from __future__ import annotations

import numpy as np

from BoneSegLib.anatomy import BY_ID, STRUCTURES
from BoneSegLib.volume import Geometry, LabelMap

RADIUS = 20.0
CENTRES = {"hip_left": (-30.0, 4.0, 10.0), "sacrum": (30.0, -6.0, 12.0)}


def grid(spacing: tuple[float, float, float], *, left_handed: bool = False, degrees: float = 0.0) -> Geometry:
    """100 to 130 mm about the balls, turned about S."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    axes = turn @ np.diag([-1.0, -1.0, -1.0 if left_handed else 1.0])
    size = tuple(int(length / step) for length, step in zip((150, 110, 80), spacing, strict=True))
    origin = -axes @ ((np.asarray(size) - 1) * spacing) / 2 + (0, 0, 11)
    return Geometry.from_spacing(size, spacing, origin=tuple(origin), directions=axes)


def balls(geometry: Geometry) -> LabelMap:
    """A ball of `RADIUS` mm about each of `CENTRES` (RAS)."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij")
    ras = np.stack([i, j, k], axis=-1) @ geometry.ijk_to_ras[:3, :3].T + geometry.ijk_to_ras[:3, 3]
    array = np.zeros(geometry.shape, np.uint8)
    for name, centre in CENTRES.items():
        array[np.linalg.norm(ras - centre, axis=-1) < RADIUS] = BY_ID[name].label
    return LabelMap(array, geometry, STRUCTURES)
