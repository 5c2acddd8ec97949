"""What made a result: enough to make it again."""

from __future__ import annotations

import platform
import time
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

import torch

from BoneSegLib._version import __version__
from BoneSegLib.models.integrity import model_hash
from BoneSegLib.models.model import Model
from BoneSegLib.options import SegmentOptions


def describe_run(
    model: Model,
    options: SegmentOptions,
    *,
    device: torch.device,
    precision: str,
    seconds: dict[str, float],
    seconds_total: float,
    confidence: dict[str, float],
    notes: tuple[str, ...],
) -> dict[str, object]:
    """Model and its hash, options, device, versions, seconds per step, confidence of each structure, date, notes.

    No path and no patient's name.
    """
    return {
        "model": model.name,
        "model_version": model.version,
        "model_sha256": _hash_of(model),
        "quality": options.quality,
        "device": str(device),
        "precision": precision,
        "options": options.to_dict(),
        "versions": {
            "boneseg": __version__,
            "torch": torch.__version__,
            "monai": _installed("monai"),
            "python": platform.python_version(),
        },
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "seconds_total": round(seconds_total, 3),
        "confidence": confidence,
        "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "notes": list(notes),
    }


@lru_cache(maxsize=4)
def _hash_of(model: Model) -> str:
    return model_hash(model)


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
