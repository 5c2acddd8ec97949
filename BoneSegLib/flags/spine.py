"""Are the lumbar vertebrae in order, and is it certain which is which?

Vertebrae look alike; people and networks count them from the sacrum. Whatever breaks the count makes every name
uncertain: a gap, a missing neighbour, two names that share one vertebra, no sacrum in view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from BoneSegLib.anatomy import Structure
from BoneSegLib.flags import kinds
from BoneSegLib.flags.bones import Bone

_GAP_MM = 10.0
"""Neighbours lie closer, at their joints: in eight people's label maps 1.5 to 3.7 mm."""

_STEPS = (0.6, 1.5)
"""From centre to centre, in shares of the middle one of the distances of the same spine: there 0.82 to 1.04."""

_ROOM_MM = 45.0
"""So much of the image above the highest vertebra that was found would show the next one whole."""


def flags_of_spine(bones: Mapping[str, Bone], structures: Sequence[Structure]) -> Iterator[tuple[str, str]]:
    """Pairs of structure id and flag. ``structures``: those that were looked for, L1 before L5."""
    wanted = [structure.id for structure in structures if structure.id.startswith("vertebra_")]
    column = [bones[name] for name in wanted if name in bones]
    if not column:
        return
    sacrum = bones.get("sacrum")
    chain = [*column, sacrum] if sacrum else column
    neighbours = [(upper, lower) for upper, lower in pairwise(chain) if _are_neighbours(upper, lower)]
    for upper, lower in pairwise(chain):
        if upper.center[2] <= lower.center[2]:
            yield upper.structure.id, kinds.ORDER
            yield lower.structure.id, kinds.ORDER
    uncounted = sacrum is None and any(structure.id == "sacrum" for structure in structures)
    if uncounted or _lacks_one(column, wanted, sacrum) or _has_gap(neighbours) or _is_uneven(neighbours):
        for bone in column:
            yield bone.structure.id, kinds.LEVEL


def _lacks_one(column: Sequence[Bone], wanted: Sequence[str], sacrum: Bone | None) -> bool:
    """A level is missing between two, above the sacrum, or on top though the image would show it."""
    levels = [wanted.index(bone.structure.id) for bone in column]
    if levels != list(range(levels[0], levels[-1] + 1)) or (sacrum is not None and levels[-1] < len(wanted) - 1):
        return True
    top = column[0]
    return levels[0] > 0 and not top.is_cut and _room_above(top) > _ROOM_MM


def _room_above(bone: Bone) -> float:
    """Millimetres of what was looked at along S above the highest point of a bone, over its centre."""
    geometry = bone.geometry
    along = int(np.argmax(np.abs(geometry.directions[2])))
    seen = bone.seen[2 - along]
    index = np.linalg.solve(geometry.ijk_to_ras, [*bone.center, 1.0])[:3]
    end = index.copy()
    end[along] = seen.stop - 1 if geometry.directions[2, along] > 0 else seen.start
    top = float((end - index) @ geometry.ijk_to_ras[2, :3])
    return top - float(bone.points[:, 2].max() - bone.center[2])


def _are_neighbours(upper: Bone, lower: Bone) -> bool:
    """By name; others may lie between two that were asked for."""
    if lower.structure.id == "sacrum":
        return upper.structure.id == "vertebra_L5"
    return lower.structure.label == upper.structure.label + 1


def _has_gap(neighbours: Sequence[tuple[Bone, Bone]]) -> bool:
    return any(upper.is_farther_than(_GAP_MM, lower) for upper, lower in neighbours)


def _is_uneven(neighbours: Sequence[tuple[Bone, Bone]]) -> bool:
    steps = [
        float(np.linalg.norm(upper.center - lower.center))
        for upper, lower in neighbours
        if lower.structure.id != "sacrum" and not (upper.is_cut or lower.is_cut)
    ]
    if len(steps) < 2:
        return False
    middle = float(np.median(steps))
    return min(steps) < _STEPS[0] * middle or max(steps) > _STEPS[1] * middle
