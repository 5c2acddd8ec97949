"""Hips bent and turned: a thigh rotates about the centre of its femoral head, and the tissue around follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap
from BoneSegLib.training.synthesis.deformation import rotation_matrix

_FEMURS = {"left": (75, 77), "right": (76, 78)}
_PELVIS = (25, 26, 27, 28, 77, 78)
_JOINT_REACH_MM = 7.0
_STEP = 4
_WIDEST_ERROR_MM = 3.0
_ROUNDS = 4
_LEAST_WEIGHT = 0.02
_FEMUR, _UNMOVED = 1, 2


@dataclass(frozen=True)
class HipOptions:
    """Ranges in degrees, drawn for each hip: flexion (positive: the knee forward), abduction, inner rotation."""

    flexion: tuple[float, float] = (-20.0, 35.0)
    abduction: tuple[float, float] = (-6.0, 14.0)
    rotation: tuple[float, float] = (-20.0, 20.0)
    share: float = 0.75
    """Share of cases with bent hips; the others keep the map's posture."""


@dataclass(frozen=True)
class HipJoint:
    """One hip of a map: its femur's value, the centre of the femoral head (voxels, kji), and its radius in mm.

    ``lowest`` is the first level (k) where the femur is there. ``thigh`` is 1 in the femur, 0 in pelvis, spine and the
    other leg, and in between elsewhere; every `_STEP` voxels.
    """

    femur: int
    center: NDArray[np.float64]
    radius_mm: float
    lowest: int
    thigh: NDArray[np.float32]


def find_hip_joints(source: AnatomyMap) -> tuple[HipJoint, ...]:
    """The hips of a map whose femoral heads are whole."""
    joints = []
    for femur, hip in _FEMURS.values():
        found = femoral_head(source.labels, source.spacing, femur=femur, hip=hip)
        if found is not None:
            lowest = int(np.flatnonzero((source.labels == femur).any((1, 2)))[0]) + 1
            joints.append(HipJoint(femur, *found, lowest, _thigh_weight(source, femur)))
    return tuple(joints)


def femoral_head(
    labels: NDArray[np.uint8], spacing: float, *, femur: int, hip: int
) -> tuple[NDArray[np.float64], float] | None:
    """Centre (voxels, kji) and radius (mm) of the sphere that fits where the femur faces the hip bone.

    The least-squares sphere through the points p of the facing surface: |p|^2 = 2 p.c + (r^2 - |c|^2), linear in c.
    None where they are too few or no sphere of a head's size fits.
    """
    box = ndimage.find_objects((labels == femur).astype(np.uint8))
    if not box or not (labels == hip).any():
        return None
    margin = int(_JOINT_REACH_MM / spacing) + 2
    near = tuple(slice(max(0, s.start - margin), s.stop + margin) for s in box[0])
    bone = labels[near] == femur
    surface = bone & ~ndimage.binary_erosion(bone)
    facing = surface & (ndimage.distance_transform_edt(labels[near] != hip, sampling=spacing) < _JOINT_REACH_MM)
    points = np.argwhere(facing) * spacing
    if len(points) < 150:
        return None
    keep = np.ones(len(points), bool)
    for _ in range(3):  # the neck and the trochanter come near the hip bone too: leave out what does not fit
        system = np.c_[2 * points[keep], np.ones(keep.sum())]
        solution, *_ = np.linalg.lstsq(system, (points[keep] ** 2).sum(1), rcond=None)
        center = solution[:3]
        radius = float(np.sqrt(max(solution[3] + center @ center, 0)))
        error = np.abs(np.linalg.norm(points - center, axis=1) - radius)
        keep = error < max(2.0, float(np.median(error[keep])) * 2)
    if not 14 < radius < 36 or np.median(error[keep]) > _WIDEST_ERROR_MM:
        return None
    return center / spacing + [s.start for s in near], radius + spacing / 2


def _thigh_weight(source: AnatomyMap, femur: int) -> NDArray[np.float32]:
    coarse = source.labels[::_STEP, ::_STEP, ::_STEP]
    other = 151 - femur
    to_femur = ndimage.distance_transform_edt(coarse != femur)
    to_rest = ndimage.distance_transform_edt(~np.isin(coarse, (*_PELVIS, *range(29, 39), other)))
    weight = to_rest**2 / (to_rest**2 + to_femur**2 + 1e-6)
    return ndimage.gaussian_filter(weight, 1.2).astype(np.float32)


def random_rotation(femur: int, options: HipOptions, rng: np.random.Generator) -> NDArray[np.float64]:
    """A rotation of the thigh, acting on (k, j, i) vectors."""
    side = 1 if femur == _FEMURS["left"][0] else -1
    flexion, abduction, inner = (rng.uniform(*span) for span in (options.flexion, options.abduction, options.rotation))
    return thigh_rotation(flexion, side * abduction, side * inner)


def thigh_rotation(flexion: float, outward: float, inward: float) -> NDArray[np.float64]:
    """Degrees to a matrix: flexion about i moves the knee forward (-j); the others about j and k, for the left leg."""
    return rotation_matrix(np.array([0.0, 0.0, flexion])) @ rotation_matrix(np.array([inward, outward, 0.0]))


def bend_hip(
    points: torch.Tensor, labels: NDArray[np.uint8], joint: HipJoint, rotation: NDArray[np.float64]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each of ``points`` (voxels of the bent map, shape k, j, i, 3) lies in the map, and which of them are stray.

    The femur rotates as a whole and the pelvis stays. Tissue between them turns by a part of the angle, found by
    fixed-point iteration. Stray points are tissue that would read bone a second time: they are to become soft tissue.
    """
    parts = _part_codes(labels, joint.femur).to(points.device)
    found, stray = points.clone(), torch.zeros(points.shape[:3], dtype=torch.bool, device=points.device)
    box = _concerned(points, joint, rotation, labels.shape)
    if box is not None:
        found[box], stray[box] = rotate_thigh(points[box], parts, joint, rotation)
    return found, stray


def rotate_thigh(
    points: torch.Tensor, parts: torch.Tensor, joint: HipJoint, rotation: NDArray[np.float64]
) -> tuple[torch.Tensor, torch.Tensor]:
    """`bend_hip` for points that are all concerned. ``parts``: 1 in the femur, 2 in what stays, 0 elsewhere, kji."""
    turned = _turned(points, joint, rotation)
    in_femur = _read_nearest(parts, turned) == _FEMUR
    still = (_read_nearest(parts, points) == _UNMOVED) & ~in_femur
    found = _between(points, joint, rotation, tuple(parts.shape))
    found = torch.where(in_femur[..., None], turned, torch.where(still[..., None], points, found))
    return found, (_read_nearest(parts, found) > 0) & ~in_femur & ~still


def _part_codes(labels: NDArray[np.uint8], femur: int) -> torch.Tensor:
    table = np.zeros(256, np.uint8)
    table[[*_PELVIS]], table[femur] = _UNMOVED, _FEMUR
    return torch.from_numpy(table[labels])


def _concerned(
    points: torch.Tensor, joint: HipJoint, rotation: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[slice, slice, slice] | None:
    """The box of points that the thigh comes from or goes to."""
    few = points[::_STEP, ::_STEP, ::_STEP]
    turned = _turned(few, joint, rotation)
    moved = torch.maximum(_read_weight(joint, few, shape), _read_weight(joint, turned, shape)) > _LEAST_WEIGHT
    where = moved.nonzero()
    if not len(where):
        return None
    low, high = (where.amin(0) - 1).clamp(min=0) * _STEP, (where.amax(0) + 2) * _STEP
    k, j, i = (slice(int(a), min(int(b), n)) for a, b, n in zip(low, high, points.shape, strict=False))
    return k, j, i


def _between(
    points: torch.Tensor, joint: HipJoint, rotation: NDArray[np.float64], shape: tuple[int, ...]
) -> torch.Tensor:
    """Soft tissue's way back, found at half resolution: it is smooth."""
    center = _floats(joint.center, points)
    fewer = [(size + 1) // 2 for size in points.shape[:3]]
    coarse = functional.interpolate(points.movedim(-1, 0)[None], size=fewer, mode="trilinear", align_corners=True)
    offsets = coarse[0].movedim(0, -1) - center
    turn_axis, angle = _axis_angle(rotation)
    axis = _floats(turn_axis, points)
    whole_turn = torch.full(fewer, -angle, device=points.device)
    weight = _read_weight(joint, _rotated(offsets, axis, whole_turn) + center, shape)
    for _ in range(_ROUNDS):
        found = _rotated(offsets, axis, -angle * weight) + center
        weight = 0.5 * (weight + _read_weight(joint, found, shape))
    moved = (found - center - offsets).movedim(-1, 0)[None]
    fine = functional.interpolate(moved, size=points.shape[:3], mode="trilinear", align_corners=True)[0]
    return points + fine.movedim(0, -1)


def _axis_angle(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Axis (unit, kji) and angle in radians of a rotation matrix."""
    skew = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    size = np.linalg.norm(skew)
    angle = float(np.arctan2(size, np.trace(matrix) - 1))
    axis = skew / size if size > 1e-9 else np.array([0.0, 0.0, 1.0])
    return axis, angle


def _turned(points: torch.Tensor, joint: HipJoint, rotation: NDArray[np.float64]) -> torch.Tensor:
    """The inverse of ``rotation`` about the femoral head, on row vectors."""
    center = _floats(joint.center, points)
    return (points - center) @ _floats(rotation, points) + center


def _floats(array: NDArray[np.float64], points: torch.Tensor) -> torch.Tensor:
    """``array`` in single precision, on the device of ``points``."""
    return torch.from_numpy(array.astype(np.float32)).to(points.device)


def _rotated(vectors: torch.Tensor, axis: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """Rodrigues' formula with an angle for each vector."""
    cos, sin = torch.cos(angle)[..., None], torch.sin(angle)[..., None]
    along = (vectors @ axis)[..., None]
    return vectors * cos + torch.linalg.cross(axis.expand_as(vectors), vectors) * sin + axis * along * (1 - cos)


def _read_nearest(values: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    flat = torch.zeros(points.shape[:-1], dtype=torch.int32, device=points.device)
    inside = torch.ones(points.shape[:-1], dtype=torch.bool, device=points.device)
    for axis, size in enumerate(values.shape):
        at = points[..., axis].round().to(torch.int32)
        inside &= (at >= 0) & (at < size)
        flat.mul_(size).add_(at.clamp_(0, size - 1))
    return values.flatten()[flat].mul_(inside)


def _read_weight(joint: HipJoint, points: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    size = torch.tensor([(n - 1) // _STEP * _STEP for n in shape], dtype=torch.float32, device=points.device)
    grid = (2 * points / size - 1).flip(-1)[None]
    field = torch.from_numpy(joint.thigh).to(points.device)[None, None]
    return functional.grid_sample(field, grid, padding_mode="border", align_corners=True)[0, 0]
