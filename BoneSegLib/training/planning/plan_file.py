"""A plan out of the JSON that `dataclasses.asdict` makes of it."""

from __future__ import annotations

from typing import Any

from BoneSegLib.models.architecture import Architecture
from BoneSegLib.models.plans import Intensity
from BoneSegLib.training.planning.network_plan import NetworkPlan


def plan_from_json(data: dict[str, Any]) -> NetworkPlan:
    """The plan that was written; JSON has lists where it has tuples."""
    network = data["architecture"]
    architecture = Architecture(
        features=tuple(network["features"]),
        kernels=tuple(tuple(kernel) for kernel in network["kernels"]),
        strides=tuple(tuple(stride) for stride in network["strides"]),
        norm_eps=network["norm_eps"],
        negative_slope=network["negative_slope"],
    )
    changed = {
        "architecture": architecture,
        "intensity": Intensity(**data["intensity"]),
        "spacing": tuple(data["spacing"]),
        "patch": tuple(data["patch"]),
    }
    return NetworkPlan(**{**data, **changed})
