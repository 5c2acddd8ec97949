"""One network as planned: everything that plans.json says of a configuration."""

from __future__ import annotations

from dataclasses import dataclass

from BoneSegLib.inference.resample import Spacing
from BoneSegLib.inference.stage import AIR_HU
from BoneSegLib.models.architecture import Architecture, Triple
from BoneSegLib.models.model import Stage
from BoneSegLib.models.plans import Intensity
from BoneSegLib.training.stage import StagePlan

CT_NORMALIZATION = "CTNormalization"
Z_SCORE = "ZScoreNormalization"


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """``spacing`` (mm) and ``patch`` (voxels) along k, j, i; ``batch`` windows per step.

    ``previous`` and ``following`` name the neighbours in a cascade; a network with a previous one sees its labels.
    ``image_order``: of the spline that resamples images; nnU-Net's default is 3.
    ``air``: outside of an image is air, as for the bundled model; otherwise 0 after normalisation, as in nnU-Net.
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
    image_order: int = 3
    air: bool = False

    @property
    def outside(self) -> float:
        """The normalised value of what lies outside of an image."""
        if not self.air:
            return 0.0
        return (max(AIR_HU, self.intensity.lower) - self.intensity.mean) / self.intensity.std

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
        image_order=stage.image_order,
        air=True,
    )


def plan_of_model(stage: Stage, *, air: bool) -> NetworkPlan:
    """A trained network's plan, to train another one alike."""
    configuration = stage.configuration
    raw = stage.plans.configurations[configuration.name]
    following = raw.get("next_stage")
    return NetworkPlan(
        name=configuration.name,
        spacing=configuration.spacing,
        patch=configuration.patch,
        architecture=configuration.architecture,
        normalization=configuration.normalizations[0],
        intensity=stage.intensity or Intensity(0.0, 1.0, 0.0, 1.0),
        batch=max(2, int(raw.get("batch_size", 2))),
        previous=configuration.previous_stage,
        following=str(following) if following else None,
        image_order=configuration.data_resampling.order,
        air=air,
    )
