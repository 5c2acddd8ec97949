"""Whether an image can be worked with at all; what its values mean is checked elsewhere."""

from __future__ import annotations

import numpy as np

from BoneSegLib.errors import InputError
from BoneSegLib.volume import Geometry

GIVE_CT = "Give a CT as NIfTI, NRRD, MHA or a DICOM folder."


def require_solid(geometry: Geometry, name: str) -> None:
    """Raises `InputError` for a grid that has no volume (a spacing of 0, parallel axes) or is flat."""
    if min(geometry.size) < 2:
        raise InputError(
            f"'{name}' is not a 3D image.",
            cause=f"Its size is {geometry.size[0]} x {geometry.size[1]} x {geometry.size[2]} voxels.",
            remedy=GIVE_CT,
        )
    if geometry.voxel_volume < 1e-9:
        raise InputError(
            f"The voxels of '{name}' have no size.",
            cause="Its spacing is 0, or two of its axes are parallel.",
            remedy="Correct the file's header.",
        )


def require_numbers(array: np.ndarray, name: str) -> None:
    """Raises `InputError` when an image of floats holds NaN or infinity."""
    # The sum is one pass without a temporary, and finite only where every value is.
    if array.dtype.kind == "f" and not np.isfinite(np.sum(array, dtype=np.float64)):
        bad = int(np.count_nonzero(~np.isfinite(array)))
        if bad:
            raise InputError(
                f"'{name}' holds values that are not numbers.",
                cause=f"{bad} of {array.size} voxels are NaN or infinite.",
                remedy="Replace them, by -1024 for instance, and try again.",
            )


def compact(array: np.ndarray) -> np.ndarray:
    """The same values in a type that MRML can hold: native byte order, int16 for most CT, never int8 or 64 bits.

    MRML refuses bool, float16 and 64-bit integers; it crashes when it writes int8.
    """
    if array.dtype.kind == "f":
        return array.astype(np.float32, copy=False)
    if array.dtype in (np.int16, np.uint16, np.uint8) and array.dtype.isnative:
        return array
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    for kind in (np.int16, np.uint16, np.int32):
        limits = np.iinfo(kind)
        if limits.min <= low and high <= limits.max:
            return array.astype(kind)
    return array.astype(np.float32)
