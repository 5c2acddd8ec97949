"""What sets bone apart at the hip joint: a broad bright roof over a femoral head whose shell hardly shows.

Measured in s0328: the roof is brightest 3 to 4 mm deep (650 to 720 HU; 310 to 340 at its surface); the head's shell has
350 to 400 HU where it is not covered, and 600 farther down the femur. In s0009 the shell of the heads is no brighter
than what it holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from BoneSegLib.boxes import box_around

_HIPS, _FEMURS = (1, 2), (4, 5)
_ROOF_MM, _HEAD_MM = 7.0, 20.0
"""How far from the other bone roof and head end."""
_FADING_MM = 6.0
_STEP = 2


@dataclass(frozen=True)
class HipBone:
    """How much each voxel (kji) belongs to the roof of a hip joint and to a femoral head, 0-1."""

    roof: NDArray[np.float32]
    head: NDArray[np.float32]


def find_hip_bone(targets: NDArray[np.uint8], spacing: float) -> HipBone | None:
    """Roofs and heads, by the distance to the joint's other bone, at every second voxel; `None` where none is in view.

    ``targets``: training labels; ``spacing``: mm.
    """
    hips, femurs = np.isin(targets, _HIPS), np.isin(targets, _FEMURS)
    box = box_around(femurs, _HEAD_MM, (spacing,) * 3)
    if box is None or not hips[box].any():
        return None
    thinned = tuple(slice(None, None, _STEP) for _ in range(3))
    hip, femur = hips[box][thinned], femurs[box][thinned]
    roof, head = np.zeros(targets.shape, np.float32), np.zeros(targets.shape, np.float32)
    for bone, other, reach, result in ((hip, femur, _ROOF_MM, roof), (femur, hip, _HEAD_MM, head)):
        if not other.any():
            return None
        distance = ndimage.distance_transform_edt(~other, sampling=spacing * _STEP)
        share = np.where(bone, np.clip((reach - distance) / _FADING_MM, 0, 1), 0).astype(np.float32)
        for axis in range(3):
            share = np.repeat(share, _STEP, axis=axis)
        result[box] = share[tuple(slice(0, size) for size in result[box].shape)]
    return HipBone(roof, head)
