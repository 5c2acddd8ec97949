"""Whether the edges of what a model finds may be moved to where a CT has them (`BoneSegLib.refinement`)."""

from __future__ import annotations

from collections.abc import Iterable

from BoneSegLib.anatomy import BY_ID

_INSIDE_THE_MODEL = {"background", "other_bone"}


def names_bones_alone(labels: Iterable[str]) -> bool:
    """Bone is brighter than what is around it; of other labels nothing of the kind is known."""
    return set(labels) - _INSIDE_THE_MODEL <= set(BY_ID)
