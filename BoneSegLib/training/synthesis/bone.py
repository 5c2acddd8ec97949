"""The look of bone: a bright, uneven cortical shell that fades into trabecular bone, with fat in the shafts.

Learnt from the depth profile of real bone voxels (TotalSegmentator s0328): the outermost 1.5 mm voxel has a median of
about 330 HU (partial volume), the next one 450 to 700 HU with a 97th percentile of 1200, and from 5 mm on a lumbar
vertebra is at 100 to 250 HU, a femoral head at 300 to 550.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.training.synthesis.hip_bone import find_hip_bone
from BoneSegLib.training.synthesis.noise import smooth_noise

_RIM_MM = 0.2
"""How deep below the labels' surface the bright rim begins. In s0328, vertebrae are as bright in their outermost voxel,
0.75 mm deep, as farther in (0 mm); hip bones and femurs have there three quarters of what the next voxel has (0.4 mm).
It is the same for all cases: no picture tells where somebody drew labels. A network would find the middle of what is
drawn at random, and its Dice fall by how far a case lies from there, about 0.01 for each 0.2 mm."""

_HIPS = (1, 2)
_SACRUM = 3
_FEMURS = (4, 5)


def bone_fraction(depth: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """How much of each voxel is bone, 0-1, from ``depth`` (mm, positive inside).

    Half of it is at `_RIM_MM`.
    """
    return np.clip((depth - _RIM_MM) / rng.uniform(1.0, 2.0) + 0.5, 0, 1)


def bone_hu(
    depth: NDArray[np.float32],
    targets: NDArray[np.uint8],
    *,
    shaft: NDArray[np.float32],
    spacing: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """HU of solid bone at every voxel of ``spacing`` mm. ``shaft`` (0-1) says how far down the femur one lies."""
    shape = depth.shape
    density = rng.uniform(0.5, 1.35)  # osteoporosis to sclerosis, shell and spongiosa together
    shell = density * rng.uniform(550, 1000)
    spongy = np.exp(rng.uniform(np.log(40), np.log(400))) * density**0.5
    thickness = rng.uniform(1.0, 2.6)
    unevenness = np.exp(rng.uniform(0.1, 0.45) * smooth_noise(shape, rng.uniform(5, 14), rng).numpy())
    texture = smooth_noise(shape, rng.uniform(2.5, 6), rng).numpy() * rng.uniform(20, 90)
    texture += smooth_noise(shape, 18, rng).numpy() * rng.uniform(10, 60)
    femur = np.isin(targets, _FEMURS)
    shell_thickness = np.where(femur, thickness * (1 + 1.3 * shaft), thickness).astype(np.float32)
    core: NDArray[np.floating] = np.where(femur, spongy * rng.uniform(0.9, 1.8), spongy)
    if rng.random() < 0.5:  # a sacrum full of fat, darker inside than muscle, as in many older people
        core = np.where(targets == _SACRUM, core * rng.uniform(0.1, 0.8) - rng.uniform(0, 70), core)
    if rng.random() < 0.3:  # metastases, bone islands, degenerative sclerosis
        core = core + np.clip(smooth_noise(shape, 12, rng).numpy() - 1.3, 0, None) * np.float32(rng.uniform(-300, 900))
    if rng.random() < 0.4:  # and hip bones that are
        core = np.where(np.isin(targets, _HIPS), core * rng.uniform(0.2, 1.0) - rng.uniform(0, 60), core)
    marrow = np.float32(rng.uniform(-90, 60))
    core = (core + texture) * (1 - shaft) + (marrow + np.float32(0.3) * texture) * shaft
    bright = shell * unevenness
    hip_bone = find_hip_bone(targets, spacing)
    if hip_bone:
        shell_thickness *= 1 + np.float32(rng.uniform(0, 1.5)) * hip_bone.roof
        dim_surface = np.float32(rng.uniform(0, 0.7)) * hip_bone.roof * np.exp(-((depth / 2) ** 2))
        bright = bright * (1 - dim_surface)
        bright += np.float32(rng.uniform(0, 1)) * hip_bone.head * (np.float32(rng.uniform(1, 1.4)) * core - bright)
    rim = np.exp(-((np.clip(depth - 1.2, 0, None) / shell_thickness) ** 2))
    return (core * (1 - rim) + bright * rim).astype(np.float32)


def femur_shaft(targets: NDArray[np.uint8], heights: NDArray[np.float32]) -> NDArray[np.float32]:
    """0 in the femur's head, rising to 1 some 60 mm below its top; ``heights``: mm along k in the map."""
    result = np.zeros(targets.shape, np.float32)
    for label in _FEMURS:
        mask = targets == label
        if mask.any():
            top = float(heights[mask].max())
            result[mask] = np.clip((top - heights[mask] - 45) / 30, 0, 1)
    return result
