"""From fingerprints to one network, or to two where the window cannot show enough of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from BoneSegLib.errors import InputError
from BoneSegLib.inference.resample import Shape, Spacing
from BoneSegLib.models.architecture import Architecture, Triple
from BoneSegLib.training.planning.budget import elements_within, feature_elements
from BoneSegLib.training.planning.fingerprint import Fingerprint, foreground_intensity, median_shape
from BoneSegLib.training.planning.network_plan import CT_NORMALIZATION, Z_SCORE, NetworkPlan
from BoneSegLib.training.planning.spacing import coarser, full_resolution, voxels_of
from BoneSegLib.training.planning.topology import topology_for

FULL, LOW, CASCADE = "3d_fullres", "3d_lowres", "3d_cascade_fullres"

_SHOWN = 0.25
"""A window should show a quarter of the median image; otherwise a coarser network goes first."""
_WORTH_IT = 2.0
"""The coarser network is worth its while when its images have half as many voxels at most."""
_SEEN_AT_ONCE = 0.05
"""A step should not see more than this share of all training voxels."""
_SMALLEST_PATCH = 16


@dataclass(frozen=True, kw_only=True)
class PlannerOptions:
    """``memory_gb``: of the graphics card that the training should fit into, as nnU-Net counts. ``features``: of the
    finest level, doubled with each halving up to ``most_features``. ``stages``: 1, 2, or ``None`` to decide by the
    data. ``spacing``, ``patch`` (k, j, i): instead of the rule's."""

    memory_gb: float = 8.0
    features: int = 32
    most_features: int = 320
    smallest_batch: int = 2
    stages: int | None = None
    spacing: Spacing | None = None
    patch: Triple | None = None


def make_plans(
    fingerprints: Sequence[Fingerprint], *, is_ct: bool, options: PlannerOptions | None = None
) -> tuple[NetworkPlan, ...]:
    """The networks to train, coarsest first."""
    options = options or PlannerOptions()
    full = _plan(FULL, options.spacing or full_resolution(fingerprints), fingerprints, is_ct=is_ct, options=options)
    low = _low_resolution(full, fingerprints, is_ct=is_ct, options=options) if options.stages != 1 else None
    if low is None:
        if options.stages == 2:
            raise InputError("Two stages make no sense here: one window shows enough of an image.", remedy="--stages 1")
        return (full,)
    return (replace(low, following=CASCADE), replace(full, name=CASCADE, previous=LOW))


def _low_resolution(
    full: NetworkPlan, fingerprints: Sequence[Fingerprint], *, is_ct: bool, options: PlannerOptions
) -> NetworkPlan | None:
    """The finest network whose window shows enough, or ``None`` where the full resolution's window does already."""
    whole = voxels_of(median_shape(fingerprints, full.spacing))
    plan, shape = full, median_shape(fingerprints, full.spacing)
    while voxels_of(plan.patch) / voxels_of(shape) < _SHOWN:
        spacing = coarser(plan.spacing)
        shape = median_shape(fingerprints, spacing)
        plan = _plan(LOW, spacing, fingerprints, is_ct=is_ct, options=options)
    return plan if plan is not full and whole / voxels_of(shape) >= _WORTH_IT else None


def _plan(
    name: str, spacing: Spacing, fingerprints: Sequence[Fingerprint], *, is_ct: bool, options: PlannerOptions
) -> NetworkPlan:
    shape = median_shape(fingerprints, spacing)
    labels = len(fingerprints[0].voxels) - 1
    budget = elements_within(options.memory_gb)
    patch, architecture = _network(options.patch or _first_patch(shape, spacing), spacing, options)
    while options.patch is None and feature_elements(architecture, patch, labels=labels) > budget:
        less = _smaller(patch, shape, spacing, architecture)
        if less is None:
            break
        patch, architecture = _network(less, spacing, options)
    room = budget / feature_elements(architecture, patch, labels=labels)
    return NetworkPlan(
        name=name,
        spacing=spacing,
        patch=patch,
        architecture=architecture,
        normalization=CT_NORMALIZATION if is_ct else Z_SCORE,
        intensity=foreground_intensity(fingerprints),
        batch=_batch(room, patch, shape, fingerprints, options),
    )


def _first_patch(shape: Shape, spacing: Spacing) -> Triple:
    """A window of 256^3 voxels that is a cube in mm, within the median image."""
    edge_mm = (256.0**3 * spacing[0] * spacing[1] * spacing[2]) ** (1 / 3)
    k, j, i = (max(1, min(round(edge_mm / step), size)) for step, size in zip(spacing, shape, strict=True))
    return (k, j, i)


def _network(wanted: Triple, spacing: Spacing, options: PlannerOptions) -> tuple[Triple, Architecture]:
    topology = topology_for(wanted, spacing)
    if len(topology.strides) < 3:
        # Tiny images: the window is larger than they are, and padded.
        k, j, i = (max(size, _SMALLEST_PATCH) for size in wanted)
        topology = topology_for((k, j, i), spacing)
    features = tuple(min(options.features * 2**level, options.most_features) for level in range(len(topology.strides)))
    return topology.patch, Architecture(features=features, kernels=topology.kernels, strides=topology.strides)


def _smaller(patch: Triple, shape: Shape, spacing: Spacing, architecture: Architecture) -> Triple | None:
    """One step less along the axis where the window is largest compared with the image; along the next, where that is
    as short as can be: a stack of few slices."""
    for axis in np.argsort([-size / whole for size, whole in zip(patch, shape, strict=True)], kind="stable").tolist():
        divisor = architecture.divisor[axis]
        if patch[axis] <= divisor:
            continue
        # A smaller window may be halved less often, and then a shorter step leads to a window in between.
        less = _less(patch, axis, topology_for(_less(patch, axis, divisor), spacing).divisor[axis])
        if less[axis] >= _SMALLEST_PATCH // 2:
            return less
    return None


def _less(patch: Triple, axis: int, step: int) -> Triple:
    k, j, i = (size - step if along == axis else size for along, size in enumerate(patch))
    return (k, j, i)


def _batch(
    room: float, patch: Triple, shape: Shape, fingerprints: Sequence[Fingerprint], options: PlannerOptions
) -> int:
    """As many windows as fit (``room`` in units of two), but few enough that a step does not see the whole set."""
    seen = _SEEN_AT_ONCE * voxels_of(shape) * len(fingerprints) / voxels_of(patch)
    return max(min(round(2 * room), round(seen)), options.smallest_batch)
