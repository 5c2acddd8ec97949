"""Pelves of other people: a statistical shape of hips and sacrum, fitted to a map, that takes it to a subject's shape.

The subjects' points correspond. A model of their mean and main modes (Cootes et al. 1995) is fitted to the surface of
the map's bones by iterated closest points; then the map's points and the subject's are the same anatomy, and a smooth
displacement between them carries the map, soft tissue and all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree
from torch.nn import functional

from BoneSegLib.errors import InputError
from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap

BONES = {"hip_left": (77,), "hip_right": (78,), "sacrum": (25, 26)}
_POINTS_PER_BONE = 160
_MODES = 12
_ROUNDS = 40
_GRID_STEP = 8
_LARGEST_MM = 45.0
_SMOOTHING = 2.0
_REACH_MM = 160.0


@dataclass(frozen=True)
class ShapeModel:
    """``subjects``: points in mm (kji of an LPS frame), shape (subjects, points, 3), aligned in position and turn, not
    in size; ``bones``: which bone of `BONES` each point belongs to."""

    names: tuple[str, ...]
    subjects: NDArray[np.float64]
    bones: NDArray[np.int_]


def load_shape_model(folder: Path) -> ShapeModel:
    """The subjects of a folder with ``NN_hip_left.vtp``, ``NN_hip_right.vtp`` and ``NN_sacrum.vtp``, LPS in mm.

    Raises `InputError` where fewer than three subjects with points in correspondence are there.
    """
    names = sorted(path.name.removesuffix("_sacrum.vtp") for path in folder.glob("*_sacrum.vtp"))
    loaded: dict[str, list[NDArray[np.float64]]] = {}
    for name in names:
        files = [folder / f"{name}_{bone}.vtp" for bone in BONES]
        if all(file.exists() for file in files):
            loaded[name] = [read_points(file) for file in files]
    counts = [tuple(len(points) for points in bones) for bones in loaded.values()]
    usual = max(set(counts), key=counts.count, default=())
    kept = {name: bones for name, bones in loaded.items() if tuple(len(points) for points in bones) == usual}
    if len(kept) < 3:
        raise InputError(
            f"'{folder.name}' holds too few subjects with corresponding points.",
            remedy="Name a folder with NN_hip_left.vtp, NN_hip_right.vtp and NN_sacrum.vtp of at least three subjects.",
        )
    first = next(iter(kept.values()))
    chosen = [spread(points, _POINTS_PER_BONE) for points in first]
    bones = np.repeat(np.arange(len(BONES)), [len(c) for c in chosen])
    subjects = [np.concatenate([points[c] for points, c in zip(parts, chosen, strict=True)]) for parts in kept.values()]
    return ShapeModel(tuple(kept), aligned(np.array(subjects)), bones)


def read_points(path: Path) -> NDArray[np.float64]:
    """The points of a surface in kji order, mm."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(path))
    reader.Update()
    points = reader.GetOutput().GetPoints()
    if points is None:
        raise InputError(f"'{path.name}' holds no surface.")
    return vtk_to_numpy(points.GetData())[:, ::-1].astype(np.float64)


def spread(points: NDArray[np.float64], count: int) -> NDArray[np.int_]:
    """Indices of ``count`` points far apart, each the farthest from those before it."""
    chosen = [0]
    distance = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < min(count, len(points)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen)


def aligned(subjects: NDArray[np.float64]) -> NDArray[np.float64]:
    """Procrustes alignment without scaling: size is part of the shape here."""
    mean = subjects[0] - subjects[0].mean(0)
    for _ in range(5):
        subjects = np.array([rigid(points, mean)[0] for points in subjects])
        mean = subjects.mean(0)
    return subjects


def rigid(points: NDArray[np.float64], onto: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``points`` moved and turned onto ``onto`` (Kabsch 1976), and the rotation."""
    here, there = points.mean(0), onto.mean(0)
    u, _, v = np.linalg.svd((points - here).T @ (onto - there))
    turn = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ v))]) @ v
    return (points - here) @ turn + there, turn


def fit(model: ShapeModel, source: AnatomyMap) -> NDArray[np.float64] | None:
    """The model's points on the bones of a map, in mm from its first voxel; None where a hip or the sacrum is cut away.

    Only points that the map's field of view holds are pulled; a hip that leaves it is extrapolated by the modes.
    """
    surfaces = [_surface(source, values) for values in BONES.values()]
    if any(len(surface) < 2000 for surface in surfaces):
        return None
    trees = [cKDTree(surface) for surface in surfaces]
    mean = model.subjects.mean(0)
    _, strengths, modes = np.linalg.svd((model.subjects - mean).reshape(len(model.subjects), -1), full_matrices=False)
    used = min(_MODES, len(model.subjects) - 1)
    spread = strengths[:used] / np.sqrt(len(model.subjects) - 1)
    basis = modes[:used].reshape(used, -1, 3)
    size = np.array(source.labels.shape) * source.spacing
    points: NDArray = _first_guess(mean, model.bones, surfaces)
    for turn in range(_ROUNDS):
        target = points.copy()
        for bone, tree in enumerate(trees):
            of_bone = model.bones == bone
            _, nearest = tree.query(points[of_bone])
            target[of_bone] = surfaces[bone][nearest]
        seen = ((points > 6) & (points < size - 6)).all(1)
        target[~seen] = points[~seen]
        back, rotation = rigid(target, mean)
        center = target.mean(0)
        weights = np.einsum("mpd,pd->m", basis, back - mean)
        weights = np.clip(weights, -3 * spread, 3 * spread) * min(1.0, turn / 10)
        shape = mean + np.einsum("m,mpd->pd", weights, basis)
        points = (shape - mean.mean(0)) @ rotation.T + center
    return points


def _surface(source: AnatomyMap, values: tuple[int, ...]) -> NDArray[np.float64]:
    bone = np.isin(source.labels, values)
    return (np.argwhere(bone & ~ndimage.binary_erosion(bone)) * source.spacing).astype(np.float64)


def _first_guess(
    mean: NDArray[np.float64], bones: NDArray[np.int_], surfaces: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The mean shape moved so that its hips and sacrum are where those of the map are."""
    here = np.mean([mean[bones == bone].mean(0) for bone in range(len(BONES))], axis=0)
    there = np.mean([(surface.min(0) + surface.max(0)) / 2 for surface in surfaces], axis=0)
    return mean - here + there


@dataclass(frozen=True)
class ShapeWarp:
    """``field``: displacement in voxels (3, k, j, i) from the subject's shape to the map, every `_GRID_STEP` voxels."""

    field: NDArray[np.float32]

    def __call__(self, points: torch.Tensor) -> torch.Tensor:
        """Where each of ``points`` (voxels of the subject, kji, last axis) lies in the map."""
        size = (torch.tensor(self.field.shape[1:], device=points.device) - 1).float() * _GRID_STEP
        grid = (2 * points / size - 1).flip(-1)[None]
        field = torch.from_numpy(self.field).to(points.device)[None]
        moved = functional.grid_sample(field, grid, padding_mode="border", align_corners=True)[0]
        return points + moved.movedim(0, -1)


def warp_to_subject(
    model: ShapeModel, fitted: NDArray[np.float64], subject: int, source: AnatomyMap, *, strength: float = 1.0
) -> ShapeWarp | None:
    """The displacement that shows the map with the shape of ``subject``; None where it would fold or go too far.

    ``strength``: 0 is the map, 1 the subject. Points outside of the map's field of view are left out.
    """
    target, _ = rigid(model.subjects[subject], fitted)
    target = fitted + strength * (target - fitted)
    size = np.array(source.labels.shape) * source.spacing
    seen = ((fitted > -10) & (fitted < size + 10)).all(1)
    return smooth_warp(target[seen], fitted[seen], source, reach_mm=_REACH_MM)


def smooth_warp(
    target: NDArray[np.float64], onto: NDArray[np.float64], source: AnatomyMap, *, reach_mm: float
) -> ShapeWarp | None:
    """The displacement that takes the points ``target`` to ``onto`` (mm from the map's first voxel) and fades out over
    ``reach_mm``; None where it would fold or go too far."""
    moves = onto - target
    if np.linalg.norm(moves, axis=1).max() > _LARGEST_MM:
        return None
    nodes = [np.arange((n - 1) // _GRID_STEP + 2) * _GRID_STEP * source.spacing for n in source.labels.shape]
    grid = np.stack(np.meshgrid(*nodes, indexing="ij"), -1).reshape(-1, 3)
    spline = RBFInterpolator(target, moves, kernel="linear", degree=0, smoothing=_SMOOTHING)
    away, _ = cKDTree(target).query(grid)
    field = spline(grid) * np.exp(-((away / reach_mm) ** 2))[:, None]
    field = (field / source.spacing).reshape(*(len(n) for n in nodes), 3)
    if _folds(field):
        return None
    return ShapeWarp(np.ascontiguousarray(np.moveaxis(field, -1, 0)).astype(np.float32))


def _folds(field: NDArray[np.float64]) -> bool:
    """Whether a displacement (voxels, at every `_GRID_STEP` voxels) turns space inside out somewhere."""
    slopes = [np.stack(list(np.gradient(field[..., axis], _GRID_STEP)), -1) for axis in range(3)]
    jacobian = np.stack(slopes, -2)
    return bool((np.linalg.det(jacobian + np.eye(3)) < 0.1).any())
