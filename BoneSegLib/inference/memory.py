"""How much memory a run will take, told before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from BoneSegLib.errors import ResourceError
from BoneSegLib.inference.resample import Shape
from BoneSegLib.models.architecture import Architecture

_ACTIVATION_COPIES = 6.0
"""Feature maps of the finest stage that are alive at the same time, convolution workspace included (measured)."""


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes: the prepared image, the logits and their weights, the network at work, and the labels."""

    image: int
    logits: int
    network: int
    labels: int

    @property
    def total(self) -> int:
        return self.image + self.logits + self.network + self.labels


def plan_stage(
    architecture: Architecture,
    *,
    patch: Shape,
    grid: Shape,
    heads: int,
    in_channels: int,
    volume: Shape,
    precision: str,
) -> MemoryPlan:
    """The peak of one stage on an image of ``volume`` voxels and a network grid of ``grid`` voxels."""
    voxels = math.prod(max(size, length) for size, length in zip(grid, patch, strict=True))
    width = 2 if precision == "bf16" else 4
    features = architecture.features[0] + in_channels
    network = int(math.prod(patch) * features * width * _ACTIVATION_COPIES)
    return MemoryPlan(image=5 * voxels, logits=2 * (heads + 1) * voxels, network=network, labels=2 * math.prod(volume))


def require_memory(plan: MemoryPlan, available: int | None) -> None:
    """Raises `ResourceError` when the plan does not fit; ``available`` in bytes, `None` if unknown."""
    if available is not None and plan.total > available:
        raise ResourceError(
            "There is not enough memory for this volume.",
            cause=f"It needs about {plan.total / 2**30:.1f} GB, and {available / 2**30:.1f} GB are free.",
            remedy="Use --quality fast, limit the run to a region or to fewer structures, or close other programs.",
        )
