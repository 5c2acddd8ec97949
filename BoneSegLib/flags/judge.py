"""All flags of a label map."""

from __future__ import annotations

from BoneSegLib.boxes import Box
from BoneSegLib.flags import kinds
from BoneSegLib.flags.alone import flags_alone
from BoneSegLib.flags.bones import bones_of
from BoneSegLib.flags.femoral_head import flags_of_femoral_heads
from BoneSegLib.flags.sides import flags_of_sides
from BoneSegLib.flags.spine import flags_of_spine
from BoneSegLib.volume import LabelMap

LOW_CONFIDENCE = 0.9
"""Measured: of bones with a Dice below 0.7 two in three lie below it, of the others 3 % (docs/flags.md)."""

NOTHING_FOUND = "None of the bones was found."


def flags_of(labels: LabelMap, seen: Box | None = None) -> dict[str, list[str]]:
    """Remarks (`kinds`) per structure id; structures without one are left out.

    ``seen``: the part of the grid (kji slices) that was looked at, ``None`` for all.
    ``labels.info["confidence"]``, where it is there, is judged too (a number from 0 to 1 per structure id).
    """
    bones = bones_of(labels, seen)
    found: dict[str, list[str]] = {structure.id: [] for structure in labels.structures}
    for name, flags in found.items():
        flags += flags_alone(bones[name]) if name in bones else [kinds.NOT_FOUND]
    positions = (*flags_of_sides(bones), *flags_of_femoral_heads(bones), *flags_of_spine(bones, labels.structures))
    for name, flag in positions:
        if flag not in found[name]:
            found[name].append(flag)
    for name, value in noted_confidence(labels).items():
        if name in bones and value < LOW_CONFIDENCE:
            found[name].append(kinds.LOW_CONFIDENCE)
    return {name: flags for name, flags in found.items() if flags}


def noted_confidence(labels: LabelMap) -> dict[str, float]:
    """How sure the networks were (0 to 1), per structure id; empty where nothing is known."""
    noted = labels.info.get("confidence")
    return noted if isinstance(noted, dict) else {}


def noted_flags(labels: LabelMap) -> dict[str, list[str]]:
    """The flags that the run noted in ``labels.info``; judged now where it noted none."""
    noted = labels.info.get("flags")
    return noted if isinstance(noted, dict) else flags_of(labels)
