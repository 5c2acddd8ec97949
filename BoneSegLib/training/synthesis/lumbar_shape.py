"""Another person's lumbar vertebrae: each laid onto the map's, point by point, so that the map can take on its shape.

There is one subject, so nothing is known of how such shapes vary: the subject's surface itself is bent onto the map's,
stiffly first and ever more softly (as in non-rigid iterated closest points; Feldmar and Ayache 1996). Where vertebrae
are and how they lean stays the map's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap
from BoneSegLib.training.synthesis.shape_model import ShapeWarp, read_points, rigid, smooth_warp, spread

VERTEBRAE = {f"vertebra_L{number}": 32 - number for number in range(1, 6)}
"""File name -> map value."""
_POINTS = 700
"""Of a subject's vertebra while it is fitted; of these, `_KEPT` make the warp."""
_KEPT = 150
_TURNS = 30
_STIFFNESS_MM = (30.0, 6.0)
"""Points move as those around them do, within this distance: at first, and at last."""
_REACH_MM = 40.0

Points = NDArray[np.float64]


@dataclass(frozen=True)
class LumbarSpine:
    """``vertebrae``: map value -> points of its surface in mm, kji of whatever frame the files have."""

    vertebrae: Mapping[int, Points]


@dataclass(frozen=True)
class FittedLumbarSpine:
    """Points of the same anatomy, in mm from a map's first voxel: ``mapped`` on the map's vertebrae, ``subject`` on the
    subject's, each of which lies on the map's and is about as large."""

    mapped: Points
    subject: Points


def load_lumbar_spine(folder: Path) -> LumbarSpine | None:
    """``vertebra_L1.vtp`` to ``vertebra_L5.vtp`` of a folder, head up along z; None where one is not there."""
    files = {value: folder / f"{name}.vtp" for name, value in VERTEBRAE.items()}
    if not all(path.exists() for path in files.values()):
        return None
    points = {value: read_points(path) for value, path in files.items()}
    return LumbarSpine({value: found[spread(found, _POINTS)] for value, found in points.items()})


def fit_lumbar_spine(spine: LumbarSpine, source: AnatomyMap) -> FittedLumbarSpine | None:
    """The subject's vertebrae on those that the map shows whole; None where there is none."""
    pairs = []
    for value, points in spine.vertebrae.items():
        surface = _whole_surface(source, value)
        if surface is not None:
            laid = _laid_onto(points, surface)
            pairs.append((laid, _bent_onto(laid, surface)))
    if not pairs:
        return None
    # As large as the map's vertebrae: between larger ones no disc would be left.
    size = float(np.mean([bent.std(0).mean() / laid.std(0).mean() for laid, bent in pairs]))
    kept = [(rigid(size * laid, bent)[0], bent, spread(bent, _KEPT)) for laid, bent in pairs]
    return FittedLumbarSpine(
        mapped=np.concatenate([bent[chosen] for _, bent, chosen in kept]),
        subject=np.concatenate([laid[chosen] for laid, _, chosen in kept]),
    )


def warp_to_lumbar_spine(fitted: FittedLumbarSpine, source: AnatomyMap, *, strength: float = 1.0) -> ShapeWarp | None:
    """The displacement that shows the map with the subject's vertebrae; None where it would fold or go too far.

    ``strength``: 0 is the map, 1 the subject; below 0 what the subject has more of becomes less.
    """
    target = fitted.mapped + strength * (fitted.subject - fitted.mapped)
    return smooth_warp(target, fitted.mapped, source, reach_mm=_REACH_MM)


def _whole_surface(source: AnatomyMap, value: int) -> Points | None:
    """Outermost voxels (mm) of a bone that the map's ends do not cut."""
    bone = source.labels == value
    if not bone.any() or bone[0].any() or bone[-1].any():
        return None
    return (np.argwhere(bone & ~ndimage.binary_erosion(bone)) * source.spacing).astype(np.float64)


def _laid_onto(points: Points, surface: Points) -> Points:
    """``points`` moved and turned onto the surface: of four ways to face, the one that comes closest."""
    tried = [_moved_onto(points @ _about_the_axis(quarter), surface) for quarter in range(4)]
    return min(tried, key=lambda laid: _apart(laid, surface))


def _about_the_axis(quarters: int) -> NDArray[np.float64]:
    """A turn about k."""
    turn = np.eye(3)
    turn[1:, 1:] = np.linalg.matrix_power(np.array([[0.0, 1.0], [-1.0, 0.0]]), quarters)
    return turn


def _moved_onto(points: Points, surface: Points) -> Points:
    """Iterated closest points (Besl and McKay 1992), the surface's points pulling as well."""
    points = points - points.mean(0) + surface.mean(0)
    tree = cKDTree(surface)
    for _ in range(_TURNS):
        points, _ = rigid(points, points + _pull(points, surface, tree))
    return points


def _bent_onto(points: Points, surface: Points) -> Points:
    tree = cKDTree(surface)
    for stiffness in np.geomspace(*_STIFFNESS_MM, _TURNS):
        near = np.exp(-((np.linalg.norm(points[:, None] - points[None], axis=-1) / stiffness) ** 2))
        points = points + (near @ _pull(points, surface, tree)) / near.sum(1, keepdims=True)
    return points


def _pull(points: Points, surface: Points, tree: cKDTree) -> Points:
    """From each point to the surface: to what is nearest, and to what has this point as its nearest."""
    pull = np.asarray(tree.data)[tree.query(points)[1]] - points
    of_surface = cKDTree(points).query(surface)[1]
    count = np.bincount(of_surface, minlength=len(points))[:, None]
    total = np.stack([np.bincount(of_surface, surface[:, axis], len(points)) for axis in range(3)], -1)
    return np.where(count > 0, (pull + total / np.maximum(count, 1) - points) / 2, pull)


def _apart(points: Points, surface: Points) -> float:
    """Mean distance in mm, both ways."""
    return float(cKDTree(surface).query(points)[0].mean() + cKDTree(points).query(surface)[0].mean())
