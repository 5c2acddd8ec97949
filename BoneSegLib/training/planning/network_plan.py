"""One network as planned: everything that plans.json says of a configuration."""

from __future__ import annotations

from dataclasses import dataclass

from BoneSegLib.inference.resample import Spacing
from BoneSegLib.models.architecture import Architecture, Triple
from BoneSegLib.models.plans import Intensity
from BoneSegLib.training.stage import StagePlan

CT_NORMALIZATION = "CTNormalization"
Z_SCORE = "ZScoreNormalization"


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """``spacing`` (mm) and ``patch`` (voxels) along k, j, i; ``batch`` windows per step.

    ``previous`` and ``following`` name the neighbours in a cascade; a network with a previous one sees its labels.
    """

    name: str
    spacing: Spacing
    patch: Triple
    architecture: Architecture
    normalization: str
    intensity: Intensity
    batch: int = 2
    previous: str | None = None
    following: str | None = None

    def in_channels(self, labels: int) -> int:
        """The image and, after a previous stage, one channel per label."""
        return 1 + (labels if self.previous else 0)


def plan_of_stage(stage: StagePlan) -> NetworkPlan:
    """A stage of the bundled model in these terms."""
    return NetworkPlan(
        name=stage.name,
        spacing=(stage.spacing,) * 3,
        patch=stage.patch,
        architecture=stage.architecture,
        normalization=CT_NORMALIZATION,
        intensity=stage.intensity,
        batch=1,
        previous=stage.previous,
        following=stage.following,
    )
