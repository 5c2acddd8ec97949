"""Label maps as NIfTI-1, written with numpy alone: ITK would force a sheared grid to be orthogonal."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np

from BoneSegLib.volume import Geometry


def write_nifti(array: np.ndarray, geometry: Geometry, path: Path) -> None:
    """Writes a uint8 array (kji) as NIfTI-1, compressed when the name ends in ``.gz``.

    The sform holds any affine. The qform, which cannot hold shear, is set only where it says the same.
    """
    header = _header_bytes(geometry)
    data = np.ascontiguousarray(array, dtype=np.uint8)
    if path.name.lower().endswith(".gz"):
        # No time stamp and no file name inside: the same labels give the same file.
        with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            file.write(header)
            file.write(data.data)
    else:
        with path.open("wb") as file:
            file.write(header)
            file.write(data.data)


def _quaternion(rotation: np.ndarray) -> np.ndarray:
    """(b, c, d) of a proper rotation, with a >= 0; from the largest of the four, which keeps it exact."""
    trace = np.trace(rotation)
    squares = np.array([1 + trace, *(1 + 2 * rotation[i, i] - trace for i in range(3))]) / 4
    largest = int(np.argmax(squares))
    m = rotation
    products = np.array(
        [
            [squares[0], (m[2, 1] - m[1, 2]) / 4, (m[0, 2] - m[2, 0]) / 4, (m[1, 0] - m[0, 1]) / 4],
            [(m[2, 1] - m[1, 2]) / 4, squares[1], (m[1, 0] + m[0, 1]) / 4, (m[0, 2] + m[2, 0]) / 4],
            [(m[0, 2] - m[2, 0]) / 4, (m[1, 0] + m[0, 1]) / 4, squares[2], (m[2, 1] + m[1, 2]) / 4],
            [(m[1, 0] - m[0, 1]) / 4, (m[0, 2] + m[2, 0]) / 4, (m[2, 1] + m[1, 2]) / 4, squares[3]],
        ]
    )
    whole = products[largest] / math.sqrt(squares[largest])
    return whole[1:] if whole[0] >= 0 else -whole[1:]


def _header_bytes(geometry: Geometry) -> bytes:
    header = np.zeros(352, np.uint8)

    def put(offset: int, values, kind: str) -> None:
        data = np.asarray(values, "<" + kind).tobytes()
        header[offset : offset + len(data)] = np.frombuffer(data, np.uint8)

    flip = -1.0 if geometry.is_left_handed else 1.0
    put(0, 348, "i4")
    put(40, [3, *geometry.size, 1, 1, 1, 1], "i2")
    put(70, [2, 8], "i2")
    put(76, [flip, *geometry.spacing, 0, 0, 0, 0], "f4")
    put(108, 352, "f4")
    put(112, [1, 0], "f4")
    header[123] = 2
    put(254, 1, "i2")
    put(280, geometry.ijk_to_ras[:3], "f4")
    rotation = geometry.directions * (1.0, 1.0, flip)
    if geometry.shear_degrees < 1e-3:
        put(252, 1, "i2")
        put(256, _quaternion(rotation), "f4")
        put(268, geometry.origin, "f4")
    header[344:348] = np.frombuffer(b"n+1\0", np.uint8)
    return header.tobytes()
