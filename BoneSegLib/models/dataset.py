"""nnU-Net v2's dataset.json: the input channels and what each label value means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from BoneSegLib.errors import ModelError
from BoneSegLib.models.jsonfile import Fields


@dataclass(frozen=True)
class Dataset:
    """``channels``: name per input channel. ``labels``: foreground name -> value, by value."""

    channels: tuple[str, ...]
    labels: dict[str, int]

    @property
    def heads(self) -> int:
        """Output channels of the network: background and every foreground label."""
        return 1 + len(self.labels)

    @property
    def is_ct(self) -> bool:
        return self.channels[0].casefold() == "ct"


def parse_dataset(data: dict[str, Any]) -> Dataset:
    """dataset.json as an object. Raises `ModelError` for region-based and inconsistent labels."""
    fields = Fields(data, "dataset.json")
    channels = fields.object("channel_names", data.get("modality", {}))
    if not channels:
        raise ModelError("dataset.json names no input channel.")
    if len(channels) != 1:
        raise ModelError(
            "The model needs several images of a patient.",
            cause=f"It has {len(channels)} input channels: {', '.join(str(name) for name in channels.values())}.",
            remedy="Use a model with one input channel.",
        )
    labels = {name: value for name, value in fields.object("labels").items() if name not in ("background", "ignore")}
    for name, value in labels.items():
        if isinstance(value, list):
            raise ModelError(f"The model's label '{name}' is a region; models with regions are not supported.")
        if isinstance(value, bool) or not isinstance(value, int):
            raise ModelError(f"dataset.json: label '{name}' should have a whole number.")
    if not labels or sorted(labels.values()) != list(range(1, len(labels) + 1)) or len(labels) > 254:
        raise ModelError("dataset.json: labels should be numbered 1, 2, 3, ... without gaps (at most 254).")
    # nnU-Net goes by the values, wherever a label stands in the file: in the input of a cascade's next stage too.
    labels = dict(sorted(labels.items(), key=lambda label: label[1]))
    return Dataset(channels=tuple(str(name) for name in channels.values()), labels=labels)
