"""BoneSegLib: bones in CT, segmented and compared, with or without 3D Slicer.

Data flows one way: scene -> `volume` -> `inference` (with `models`) -> label map -> scene. Importing this package loads
nothing but the standard library; torch, MONAI and numpy come in where they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from BoneSegLib._version import __version__

if TYPE_CHECKING:
    from BoneSegLib.inference.engine import segment
    from BoneSegLib.options import SegmentOptions
    from BoneSegLib.volume import Geometry, LabelMap, Volume

_HOMES = {
    "segment": "BoneSegLib.inference.engine",
    "SegmentOptions": "BoneSegLib.options",
    "Geometry": "BoneSegLib.volume",
    "LabelMap": "BoneSegLib.volume",
    "Volume": "BoneSegLib.volume",
}

__all__ = ["Geometry", "LabelMap", "SegmentOptions", "Volume", "__version__", "segment"]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
