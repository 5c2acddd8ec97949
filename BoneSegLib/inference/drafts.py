"""Drafts: the last network of a cascade is asked again, with its own answer as the names that it is shown.

The first network's voxels are too large for the processes of a vertebra, and the last one hesitates to call bone what
it was not told to be. What it does find of a process lets it find the rest. A draft takes windows side by side, a sixth
of the work: its labels need not be good at the rims of windows.
"""

from __future__ import annotations

from collections.abc import Sequence

from BoneSegLib.inference.bones import knows_bones_alone
from BoneSegLib.models.model import Stage


def drafts_of(stages: Sequence[Stage], wanted: int) -> int:
    """How many drafts the last of these stages makes, if so many are ``wanted``.

    None if it names other things than bones: what it does then nobody has tried, and nnU-Net does not ask twice.
    """
    return wanted if len(stages) > 1 and knows_bones_alone(stages[-1].dataset) else 0
