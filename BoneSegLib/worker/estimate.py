"""Time and memory of a run, told before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from BoneSegLib.options import SegmentOptions
from BoneSegLib.volume import Geometry


@dataclass(frozen=True)
class Estimate:
    """``seconds`` and ``memory_bytes`` (``None``: unknown), the memory that is free, the device that will be used."""

    seconds: float | None
    memory_bytes: int | None
    free_bytes: int | None
    device: str


def estimate(geometry: Geometry, options: SegmentOptions) -> Estimate:
    """What a run on an image like this will take here."""
    from BoneSegLib.inference.device import choose_device
    from BoneSegLib.memory import available_bytes

    return Estimate(None, None, available_bytes(), str(choose_device(options.device)))
