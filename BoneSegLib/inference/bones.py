"""Whether a network finds bones in CT and nothing else: what is done for bones alone asks this first."""

from __future__ import annotations

import math

import numpy as np

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.models.dataset import Dataset
from BoneSegLib.models.model import Model
from BoneSegLib.postprocessing import BoneLimits

_INSIDE_THE_MODEL = {"background", "other_bone"}


def knows_bones_alone(dataset: Dataset) -> bool:
    """Bone is brighter than what is around it in a CT; of other labels nothing of the kind is known."""
    return dataset.is_ct and set(dataset.labels) - _INSIDE_THE_MODEL <= set(BY_ID)


_LEAST_VOXELS = 5
"""Of the first network: 1.1 ml for the bundled model. Of 23 smaller bones that three sets of its weights found in 98
fields of view, 21 had a Dice below 0.1 and none had one above 0.3."""


_NAMED_VOXELS = 0.5
"""Of the first network: 0.1 ml for the bundled model. Of five bones in 56 fields of view that the second network found
though the first had named less, none was there."""


def names_first(model: Model, quality: str) -> bool:
    """Whether a first network says which bones there are, and another one finds their edges."""
    stages = model.stages_of(quality)
    return len(stages) > 1 and all(knows_bones_alone(stage.dataset) for stage in stages)


def unnamed_bones(names: np.ndarray, model: Model, quality: str, spacing: tuple[float, float, float]) -> list[int]:
    """The network's labels of bones that are not among ``names`` (uint8 kji, voxels of ``spacing`` mm), which the first
    network gave."""
    least = _NAMED_VOXELS * math.prod(model.stages_of(quality)[0].configuration.spacing) / math.prod(spacing)
    counts = np.bincount(names.ravel(), minlength=256)
    return [label for label in model.network_labels.values() if counts[label] < least]


def bone_limits(
    model: Model, quality: str, spacing: tuple[float, float, float], *, is_draft: bool = False
) -> BoneLimits | None:
    """For labels with voxels of ``spacing`` mm; `None` if the model finds other things than bones. What is smaller than
    a voxel of the first network, which names them, was not seen as a bone; of a draft more may become of it."""
    first = model.stages_of(quality)[0]
    if not knows_bones_alone(first.dataset):
        return None
    voxel = math.prod(first.configuration.spacing)
    return BoneLimits(spacing=spacing, smallest_mm3=voxel, least_mm3=0.0 if is_draft else _LEAST_VOXELS * voxel)
