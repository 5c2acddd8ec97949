"""Left and right: on their side of the spine, and every femur at its own hip bone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from BoneSegLib.flags import kinds
from BoneSegLib.flags.bones import Bone

_JOINT_MM = 12.0
"""A femoral head lies closer to its hip bone; in eight people's label maps 1.5 to 3.0 mm."""


def flags_of_sides(bones: Mapping[str, Bone]) -> Iterator[tuple[str, str]]:
    """Pairs of structure id and flag."""
    middle = [bone.center[0] for bone in bones.values() if _is_midline(bone)]
    for name, bone in bones.items():
        side = bone.structure.side
        if side is None:
            continue
        other = bones.get(name.removesuffix(side) + _opposite(side))
        beside = [other.center[0]] if other else []
        # R grows towards the patient's right.
        limits = [float(np.mean(middle)), *beside] if middle else beside
        if any(bone.center[0] > limit if side == "left" else bone.center[0] < limit for limit in limits):
            yield name, kinds.SIDE
    yield from _flags_of_joints(bones)


def _flags_of_joints(bones: Mapping[str, Bone]) -> Iterator[tuple[str, str]]:
    for side in ("left", "right"):
        femur, hip = bones.get(f"femur_{side}"), bones.get(f"hip_{side}")
        if femur and hip and femur.is_farther_than(_JOINT_MM, hip):
            yield f"femur_{side}", kinds.APART


def _is_midline(bone: Bone) -> bool:
    return bone.structure.id == "sacrum" or bone.structure.id.startswith("vertebra_")


def _opposite(side: str) -> str:
    return "right" if side == "left" else "left"
