"""What helps to find a fault, without names, paths or image data."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version

import slicer

from BoneSegLib import __version__
from BoneSegLib.errors import BoneSegError
from BoneSegLib.memory import available_bytes
from BoneSegLib.volume import Volume
from BoneSegLib.worker.failures import without_paths

_PACKAGES = ("torch", "monai", "numpy", "scipy")


def diagnosticsText(error: BoneSegError, volume: Volume | None, options: dict | None, lastLines) -> str:
    """``lastLines``: what the worker process wrote last."""
    free = available_bytes()
    parts = {
        "error": error.to_dict(),
        "BoneSeg": __version__,
        "Slicer": str(getattr(slicer.app, "applicationVersion", "")),
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "packages": {name: _installed(name) for name in _PACKAGES},
        "free memory GB": None if free is None else round(free / 2**30, 1),
        "image": None if volume is None else _describe(volume),
        "options": options,
        "worker": [without_paths(line) for line in lastLines],
    }
    return without_paths(json.dumps(parts, indent=2, default=str))


def _describe(volume: Volume) -> dict:
    geometry = volume.geometry
    return {
        "size": list(geometry.size),
        "spacing mm": [round(step, 3) for step in geometry.spacing],
        "type": str(volume.array.dtype),
        "tilt degrees": round(geometry.tilt_degrees, 1),
        "left-handed": geometry.is_left_handed,
    }


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
