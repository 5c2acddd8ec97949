"""nnU-Net v2's plans.json: what a network looks like and how images are prepared for it.

All spatial tuples are in the network's axis order, which is kji unless the plans transpose it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from BoneSegLib.errors import ModelError
from BoneSegLib.models.architecture import Architecture, Triple, parse_architecture
from BoneSegLib.models.jsonfile import Fields

# A window beyond this is not one that somebody trained: a folder that asks for it is broken or hostile.
_MAX_PATCH_VOXELS = 320**3
_SPACINGS_MM = (0.05, 50.0)

_LONGEST_LINE = 8
"""Configurations inherit from each other, in nnU-Net's plans over two steps at most."""

_SUPPORTED_NORMALIZATIONS = ("CTNormalization", "ZScoreNormalization", "RescaleTo01Normalization", "NoNormalization")


@dataclass(frozen=True)
class Resampling:
    """nnU-Net's default resampling: spline ``order`` along all axes, or, where one axis is far coarser than the others
    (or ``separate_z`` says so), ``order`` in the plane and ``order_z`` across it."""

    order: int
    order_z: int
    separate_z: bool | None


@dataclass(frozen=True)
class Intensity:
    """Intensity statistics of one channel over the training set's foreground (HU for CT)."""

    mean: float
    std: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Configuration:
    """One network of the plans, e.g. ``3d_fullres``: ``spacing`` in mm and ``patch`` in voxels, network axis order."""

    name: str
    spacing: tuple[float, float, float]
    patch: Triple
    architecture: Architecture
    normalizations: tuple[str, ...]
    use_mask: tuple[bool, ...]
    data_resampling: Resampling
    logits_resampling: Resampling
    previous_stage: str | None


@dataclass(frozen=True)
class Plans:
    """plans.json. ``transpose`` is nnU-Net's transpose_forward: network axis a is image axis ``transpose[a]`` (kji)."""

    name: str
    transpose: Triple
    intensities: tuple[Intensity, ...]
    configurations: dict[str, dict[str, Any]]

    def configuration(self, name: str) -> Configuration:
        """One configuration, with what it inherits. Raises `ModelError` if it is absent or not supported."""
        return _parse_configuration(name, self._with_inherited(name))

    def _with_inherited(self, name: str) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        parent = name
        for _ in range(_LONGEST_LINE):
            data = self.configurations.get(parent)
            if not isinstance(data, dict):
                break
            merged = {**data, **merged}
            if data.get("inherits_from") is None:
                return merged
            parent = str(data["inherits_from"])
        raise ModelError(f"plans.json has no usable configuration '{name}'.")


def parse_plans(data: dict[str, Any]) -> Plans:
    """plans.json as an object. Raises `ModelError` when something needed is absent or of the wrong kind."""
    fields = Fields(data, "plans.json")
    transpose = fields.integers("transpose_forward", length=3)
    if sorted(transpose) != [0, 1, 2]:
        raise ModelError("plans.json: field 'transpose_forward' should be an order of 0, 1, 2.")
    properties = fields.object("foreground_intensity_properties_per_channel", {})
    intensities = tuple(_parse_intensity(properties[key]) for key in sorted(properties, key=_channel_order))
    return Plans(
        name=fields.text("plans_name", "nnUNetPlans"),
        transpose=(transpose[0], transpose[1], transpose[2]),
        intensities=intensities,
        configurations=fields.object("configurations"),
    )


def _channel_order(key: str) -> int:
    if not key.isdecimal():
        raise ModelError("plans.json: intensity properties should be numbered by channel.")
    return int(key)


def _parse_intensity(data: Any) -> Intensity:
    fields = Fields(data if isinstance(data, dict) else {}, "plans.json, intensity properties")
    return Intensity(
        mean=fields.number("mean"),
        std=fields.number("std"),
        lower=fields.number("percentile_00_5"),
        upper=fields.number("percentile_99_5"),
    )


def _parse_configuration(name: str, data: dict[str, Any]) -> Configuration:
    fields = Fields(data, f"plans.json, configuration '{name}'")
    if len(fields.values("patch_size")) != 3:
        raise ModelError(
            f"The model's configuration '{name}' is not supported.",
            cause="It is a 2D network.",
            remedy="Use a 3D configuration (3d_fullres, 3d_lowres or their cascade).",
        )
    patch = fields.integers("patch_size", length=3)
    spacing = fields.numbers("spacing", length=3)
    architecture = parse_architecture(name, fields)
    low, high = _SPACINGS_MM
    if min(patch) < 1 or math.prod(patch) > _MAX_PATCH_VOXELS or min(spacing) < low or max(spacing) > high:
        raise ModelError(f"The model's configuration '{name}' asks for an impossible patch or spacing.")
    if any(size % step for size, step in zip(patch, architecture.divisor, strict=True)):
        raise ModelError(f"The model's configuration '{name}' has a patch that its strides do not divide.")
    normalizations = tuple(str(scheme) for scheme in fields.values("normalization_schemes"))
    for scheme in normalizations:
        if scheme not in _SUPPORTED_NORMALIZATIONS:
            raise ModelError(f"The model's normalisation '{scheme}' is not supported.")
    previous = fields.raw("previous_stage", None)
    return Configuration(
        name=name,
        spacing=(spacing[0], spacing[1], spacing[2]),
        patch=(patch[0], patch[1], patch[2]),
        architecture=architecture,
        normalizations=normalizations,
        use_mask=tuple(bool(value) for value in fields.values("use_mask_for_norm", [False] * len(normalizations))),
        data_resampling=_parse_resampling(fields, "data", default_order=3),
        logits_resampling=_parse_resampling(fields, "probabilities", default_order=1),
        previous_stage=str(previous) if previous else None,
    )


def _parse_resampling(fields: Fields, kind: str, *, default_order: int) -> Resampling:
    function = fields.text(f"resampling_fn_{kind}", "resample_data_or_seg_to_shape")
    if function != "resample_data_or_seg_to_shape":
        raise ModelError(f"The model's resampling '{function}' is not supported.")
    options = fields.object(f"resampling_fn_{kind}_kwargs", {})
    separate = options.get("force_separate_z")
    order, order_z = options.get("order", default_order), options.get("order_z", 0)
    if order not in (0, 1, 3) or order_z not in (0, 1) or separate not in (None, True, False):
        raise ModelError(f"The model's resampling of {kind} asks for an unsupported order.")
    return Resampling(order=order, order_z=order_z, separate_z=separate)
