"""Whether a network finds bones in CT and nothing else: what is done for bones alone asks this first."""

from __future__ import annotations

import math

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.models.dataset import Dataset
from BoneSegLib.models.model import Model

_INSIDE_THE_MODEL = {"background", "other_bone"}


def knows_bones_alone(dataset: Dataset) -> bool:
    """Bone is brighter than what is around it in a CT; of other labels nothing of the kind is known."""
    return dataset.is_ct and set(dataset.labels) - _INSIDE_THE_MODEL <= set(BY_ID)


def smallest_bone_mm3(model: Model, quality: str) -> float:
    """What is smaller was not seen as a bone: a voxel of the first network, which names them; 0 for other labels."""
    first = model.stages_of(quality)[0]
    return math.prod(first.configuration.spacing) if knows_bones_alone(first.dataset) else 0.0
