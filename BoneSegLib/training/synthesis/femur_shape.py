"""Femurs of other people: a shape of the upper femur, fitted to a map's, that takes it to a subject's.

As `shape_model` does for the pelvis, with what is special here: a map shows the femur down to some level only, the hip
bone must stay where it is, and the thigh is posed elsewhere (`hip_joint`), so position and turn stay the map's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap
from BoneSegLib.training.synthesis.shape_model import (
    ShapeWarp,
    aligned,
    read_points,
    rigid,
    smooth_warp,
    spread,
)

SIDES = {"left": (75, 77), "right": (76, 78)}
"""Map values of a side's femur and hip bone."""
_UPPER_MM = 120.0
_POINTS, _HIP_POINTS = 200, 200
_MODES = 8
_ROUNDS = 30
_RIDGE_MM = 1.5
_LEAST_MM = 40.0
_FROM_CUT_MM = 6.0
_JOINT_MM = 20.0
"""The hip bone within this distance of the femur follows it: head and socket fit each other in every subject."""
_REACH_MM = 80.0


@dataclass(frozen=True)
class FemurModel:
    """``subjects``: corresponding points of upper femurs in mm (kji), shape (subjects, points, 3), aligned in position
    and turn; ``femur`` and ``hip``: map values of that side."""

    subjects: NDArray[np.float64]
    femur: int
    hip: int


@dataclass(frozen=True)
class FittedFemur:
    """``points`` of the model's mean on a map's femur, those that the map shows: ``seen``."""

    model: FemurModel
    points: NDArray[np.float64]
    seen: NDArray[np.bool_]


def load_femur_models(folder: Path) -> list[FemurModel]:
    """A model for each side with three subjects or more, ``NN_femur_left.vtp`` and ``NN_femur_right.vtp`` (LPS, mm)."""
    models = []
    for side, (femur, hip) in SIDES.items():
        loaded = [read_points(path) for path in sorted(folder.glob(f"*_femur_{side}.vtp"))]
        if len(loaded) < 3 or len({len(points) for points in loaded}) > 1:
            continue
        whole = aligned(np.array(loaded))
        heights = whole.mean(0)[:, 0]
        upper = np.flatnonzero(heights > heights.max() - _UPPER_MM)
        chosen = upper[spread(whole[0][upper], _POINTS)]
        models.append(FemurModel(aligned(whole[:, chosen]), femur, hip))
    return models


def fit_femur(model: FemurModel, source: AnatomyMap) -> FittedFemur | None:
    """The model's mean and modes on the femur of a map (mm from its first voxel); None where too little is in view."""
    surface = _surface(source, model.femur)
    if len(surface) < 1000 or np.ptp(surface[:, 0]) < _LEAST_MM:
        return None
    lowest = surface[:, 0].min() + _FROM_CUT_MM
    tree = cKDTree(surface[surface[:, 0] > lowest - _FROM_CUT_MM / 2])
    mean = model.subjects.mean(0)
    _, strengths, modes = np.linalg.svd((model.subjects - mean).reshape(len(model.subjects), -1), full_matrices=False)
    used = min(_MODES, len(model.subjects) - 1)
    spreads = strengths[:used] / np.sqrt(len(model.subjects) - 1)
    basis = modes[:used].reshape(used, -1, 3)
    # Heads first: they are what every map shows.
    top = mean[:, 0] > mean[:, 0].max() - _LEAST_MM
    start = surface[surface[:, 0] > surface[:, 0].max() - _LEAST_MM].mean(0) - mean[top].mean(0)
    points, shape = mean + start, mean
    seen = points[:, 0] > lowest
    for turn in range(_ROUNDS):
        seen = points[:, 0] > lowest
        if seen.sum() < 30:
            return None
        target = _nearest(tree, points[seen])
        points, back = _posed(shape, seen, target)
        free = basis[:, seen].reshape(used, -1)
        ridge = np.diag((_RIDGE_MM / np.maximum(spreads, 1e-9)) ** 2)
        weights = np.linalg.solve(free @ free.T + ridge, free @ (back - mean[seen]).ravel())
        weights = np.clip(weights, -3 * spreads, 3 * spreads) * min(1.0, turn / 10)
        shape = mean + np.einsum("m,mpd->pd", weights, basis)
    points, _ = _posed(shape, seen, _nearest(tree, points[seen]))
    return FittedFemur(model, points, seen)


def _nearest(tree: cKDTree, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points of the tree nearest to ``points``."""
    return np.asarray(tree.data)[tree.query(points)[1]]


def warp_to_femur(fitted: FittedFemur, subject: int, source: AnatomyMap, *, strength: float = 1.0) -> ShapeWarp | None:
    """The displacement that shows the map with the upper femur of ``subject``; None where it would fold or go too far.

    ``strength``: 0 is the map, 1 the subject.
    """
    seen = fitted.seen
    shape = fitted.model.subjects[subject]
    target, _ = rigid(shape[seen], fitted.points[seen])
    onto = fitted.points[seen]
    target = onto + strength * (target - onto)
    still = _hip_away_from(onto, source, fitted.model.hip)
    return smooth_warp(np.concatenate([target, still]), np.concatenate([onto, still]), source, reach_mm=_REACH_MM)


def _posed(
    shape: NDArray[np.float64], seen: NDArray[np.bool_], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All of ``shape`` as its ``seen`` points lie on ``target``, and ``target`` in the frame of ``shape``."""
    _, turn = rigid(shape[seen], target)
    here, there = shape[seen].mean(0), target.mean(0)
    return (shape - here) @ turn + there, (target - there) @ turn.T + here


def _hip_away_from(femur: NDArray[np.float64], source: AnatomyMap, value: int) -> NDArray[np.float64]:
    """Points of the hip bone's surface that stay where they are."""
    surface = _surface(source, value)
    if not len(surface):
        return surface
    surface = surface[spread(surface, 3 * _HIP_POINTS)]
    return surface[cKDTree(femur).query(surface)[0] > _JOINT_MM][:_HIP_POINTS]


def _surface(source: AnatomyMap, value: int) -> NDArray[np.float64]:
    bone = source.labels == value
    return (np.argwhere(bone & ~ndimage.binary_erosion(bone)) * source.spacing).astype(np.float64)
