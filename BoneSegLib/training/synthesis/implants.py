"""Implants: pedicle screws with rods, plates, nails, hip prostheses; where they lie, and to which bone they belong.

Labels say what a reference says: metal inside a bone belongs to the bone, a prosthesis to the bone it replaces, what
lies outside (heads of screws, rods, plates) to none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from BoneSegLib.training.synthesis.hip_joint import femoral_head

HIP_OF_FEMUR = {4: 1, 5: 2}
_VERTEBRAE = range(6, 11)
_FEWEST_VOXELS = 2500
_FRONT_TO_BACK = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Implant:
    """Masks (kji): ``metal``; ``removed``, bone that gave way; ``belongs``, voxels that take a label, by label."""

    metal: NDArray[np.bool_]
    removed: NDArray[np.bool_] | None = None
    belongs: dict[int, NDArray[np.bool_]] = field(default_factory=dict)


def random_implant(targets: NDArray[np.uint8], *, spacing: float, rng: np.random.Generator) -> Implant | None:
    """An implant for a case with training labels ``targets`` (kji); None if no bone in view can hold one."""
    kinds: list[Callable[..., Implant | None]] = [pedicle_screws, hip_prosthesis, femoral_nail, plate]
    for number in rng.permutation(len(kinds)):
        implant = kinds[number](targets, spacing=spacing, rng=rng)
        if implant is not None and implant.metal.any():
            return implant
    return None


def apply_to_labels(targets: NDArray[np.uint8], implant: Implant) -> None:
    """Changes training labels as the implant changed the bones."""
    if implant.removed is not None:
        targets[implant.removed] = 0
    for label, voxels in implant.belongs.items():
        targets[voxels] = label


def rod(
    shape: tuple[int, ...], start: NDArray[np.float64], end: NDArray[np.float64], *, radius: float
) -> NDArray[np.bool_]:
    """A cylinder with round ends between two voxels (kji); all lengths in voxels."""
    mask = np.zeros(shape, bool)
    low = np.maximum(np.floor(np.minimum(start, end) - radius), 0).astype(int)
    high = np.minimum(np.ceil(np.maximum(start, end) + radius) + 1, shape).astype(int)
    if (high <= low).any():
        return mask
    ranges = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*ranges, indexing="ij"), -1) - start
    axis = end - start
    along = np.clip(points @ axis / max(float(axis @ axis), 1e-9), 0, 1)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    mask[box] = np.linalg.norm(points - along[..., None] * axis, axis=-1) < radius
    return mask


def pedicle_screws(targets: NDArray[np.uint8], *, spacing: float, rng: np.random.Generator) -> Implant | None:
    """Two screws in each of one to four neighbouring lumbar vertebrae, and a rod on either side."""
    present = [label for label in _VERTEBRAE if (targets == label).sum() > _FEWEST_VOXELS]
    if not present:
        return None
    count = min(len(present), int(rng.integers(1, 5)))
    first = int(rng.integers(len(present) - count + 1))
    bodies = [_deepest(targets == label, spacing) for label in present[first : first + count]]
    metal = np.zeros(targets.shape, bool)
    radius, length = rng.uniform(2.3, 3.6) / spacing, rng.uniform(38, 52) / spacing
    for side in (-1, 1):
        heads = []
        for body in bodies:
            head = body + np.array([rng.normal(2, 2), 38, side * rng.uniform(18, 24)]) / spacing
            aim = body + np.array([rng.normal(0, 2), -4, side * rng.uniform(4, 10)]) / spacing
            tip = head + (aim - head) * length / np.linalg.norm(aim - head)
            seat = head + _FRONT_TO_BACK * 6 / spacing
            metal |= rod(targets.shape, head, tip, radius=radius)
            metal |= rod(targets.shape, head, seat, radius=5.5 / spacing)
            heads.append(seat)
        for upper, lower in pairwise(heads):
            metal |= rod(targets.shape, upper, lower, radius=2.75 / spacing)
    return Implant(metal)


def hip_prosthesis(targets: NDArray[np.uint8], *, spacing: float, rng: np.random.Generator) -> Implant | None:
    """Ball, cup and stem: head and neck of a femur are cut off; ball and stem become femur, the cup hip bone."""
    femur = int(rng.choice(list(HIP_OF_FEMUR)))
    found = _head_and_shaft(targets, femur, spacing)
    if found is None:
        return None
    center, head_mm, entry, down = found
    k, j, i = (grid - c for grid, c in zip(np.ogrid[tuple(slice(0, n) for n in targets.shape)], center, strict=True))
    distance = np.sqrt(k**2 + j**2 + i**2).astype(np.float32) * spacing
    neck = (entry - center) / np.linalg.norm(entry - center)
    before_cut = k * neck[0] + j * neck[1] + i * neck[2] < 0.55 * np.linalg.norm(entry - center)
    removed = (targets == femur) & before_cut & (distance < head_mm + 25)
    ball_mm, wall = rng.uniform(13, 18), rng.uniform(3, 5)
    cup_mm = max(head_mm, ball_mm + wall + 2)
    inward = -1 if femur == 4 else 1  # the cup opens down and to the side
    cup = (distance < cup_mm) & (distance > cup_mm - wall) & (k + inward * i > -4 / spacing)
    thick = rng.uniform(5, 7.5) / spacing
    stem = rod(targets.shape, center, entry, radius=thick)
    stem |= rod(targets.shape, entry, entry + down * rng.uniform(80, 140) / spacing, radius=thick)
    ball = (distance < ball_mm) | stem
    cup &= ~ball & (rng.random() < 0.8)
    return Implant(ball | cup, removed, {femur: ball, HIP_OF_FEMUR[femur]: cup})


def femoral_nail(targets: NDArray[np.uint8], *, spacing: float, rng: np.random.Generator) -> Implant | None:
    """A screw through the neck into the head, mostly with a nail in the shaft."""
    femur = int(rng.choice(list(HIP_OF_FEMUR)))
    found = _head_and_shaft(targets, femur, spacing)
    if found is None:
        return None
    center, _, entry, down = found
    crossing = entry + down * 15 / spacing
    outside = center + (crossing - center) * 1.35
    metal = rod(targets.shape, outside, center, radius=rng.uniform(3.2, 5.5) / spacing)
    if rng.random() < 0.7:
        top, tail = entry - down * 25 / spacing, entry + down * rng.uniform(120, 260) / spacing
        metal |= rod(targets.shape, top, tail, radius=rng.uniform(4.5, 6) / spacing)
    return Implant(metal)


def plate(targets: NDArray[np.uint8], *, spacing: float, rng: np.random.Generator) -> Implant | None:
    """A bar on the surface of a hip bone or femur, with screws through it into the bone."""
    present = [label for label in (1, 2, 4, 5) if (targets == label).sum() > _FEWEST_VOXELS]
    if not present:
        return None
    bone = targets == int(rng.choice(present))
    box = tuple(slice(max(0, s.start - 6), s.stop + 6) for s in ndimage.find_objects(bone.astype(np.uint8))[0])
    outside = ndimage.distance_transform_edt(~bone[box], sampling=spacing)
    skin = np.argwhere((outside > 0) & (outside < 1.6 * spacing))
    at = skin[rng.integers(len(skin))]
    direction = rng.normal([1.5, 0, 0], 1)
    direction /= np.linalg.norm(direction)
    offsets = (np.moveaxis(np.indices(outside.shape, np.float32), 0, -1) - at) * np.float32(spacing)
    along = offsets @ direction.astype(np.float32)
    across = np.sqrt(np.maximum((offsets**2).sum(-1) - along**2, 0))
    half = rng.uniform(25, 60)
    bar = (outside > 0) & (outside < rng.uniform(3, 4.5)) & (np.abs(along) < half) & (across < rng.uniform(5, 8))
    metal = np.zeros(targets.shape, bool)
    metal[box] = bar
    inward = np.argwhere(bone[box]).mean(0) - at
    inward /= max(float(np.linalg.norm(inward)), 1e-6)
    for position in np.arange(-half + 6, half - 5, rng.uniform(12, 20)):
        hole = np.argwhere(bar & (np.abs(along - position) < 2))
        if len(hole):
            start = hole.mean(0) + [s.start for s in box]
            end = start + inward * rng.uniform(15, 40) / spacing
            metal |= rod(targets.shape, start, end, radius=rng.uniform(1.5, 2.6) / spacing)
    return Implant(metal)


def _deepest(bone: NDArray[np.bool_], spacing: float) -> NDArray[np.float64]:
    """The voxel farthest from the surface: the middle of a vertebra's body."""
    box = ndimage.find_objects(bone.astype(np.uint8))[0]
    depth = ndimage.distance_transform_edt(np.pad(bone[box], 1), sampling=spacing)
    return np.array(np.unravel_index(int(depth.argmax()), depth.shape), float) - 1 + [s.start for s in box]


def _head_and_shaft(
    targets: NDArray[np.uint8], femur: int, spacing: float
) -> tuple[NDArray[np.float64], float, NDArray[np.float64], NDArray[np.float64]] | None:
    """Centre of the femoral head (voxels), its radius (mm), the point of the shaft's axis 20 mm below it, and the
    axis' direction downwards. None where head or shaft are not in view."""
    joint = femoral_head(targets, spacing, femur=femur, hip=HIP_OF_FEMUR[femur])
    if joint is None:
        return None
    center, radius = joint
    points = np.argwhere(targets == femur)
    away = np.linalg.norm(points - center, axis=1) * spacing
    upper, lower = points[(away > 50) & (away < 70)], points[away > 70]
    if len(upper) < 800 or len(lower) < 800:
        return None
    down = lower.mean(0) - upper.mean(0)
    down /= np.linalg.norm(down)
    entry = upper.mean(0) + down * float((center - upper.mean(0)) @ down) + down * 20 / spacing
    return center, radius, entry, down
