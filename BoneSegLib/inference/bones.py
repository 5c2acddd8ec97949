"""Whether a network finds bones in CT and nothing else: what is done for bones alone asks this first."""

from __future__ import annotations

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.models.dataset import Dataset

_INSIDE_THE_MODEL = {"background", "other_bone"}


def knows_bones_alone(dataset: Dataset) -> bool:
    """Bone is brighter than what is around it in a CT; of other labels nothing of the kind is known."""
    return dataset.is_ct and set(dataset.labels) - _INSIDE_THE_MODEL <= set(BY_ID)
