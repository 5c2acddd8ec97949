"""The packages for DICOM segmentations, which not every installation has."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from BoneSegLib.errors import MissingError


def require(package: str) -> Any:
    """The module, ``pydicom`` or ``highdicom``. Raises `MissingError`."""
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingError(
            f"DICOM segmentations need the package '{package}'.",
            cause=str(error),
            remedy=f'Install it with: pip install "boneseg[dicom]" or pip install {package}',
        ) from error
