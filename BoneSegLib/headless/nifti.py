"""NIfTI, read with numpy alone.

ITK forces a sheared matrix to be orthogonal and takes a file that was cut off for one full of zeros; MRML turns a
left-handed grid round. Here the grid stays as the file has it, and a short file is an error.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import numpy as np

from BoneSegLib.errors import InputError
from BoneSegLib.volume import Geometry

_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_COLOUR = {128, 2304}
_COMPLEX = {32, 1792, 2048}
_HEADER_SIZE = {348: 1, 540: 2}
_HEADER_PACKED = 4096
"""Bytes of a compressed file that surely hold the header."""
_SLACK = 1 << 16
"""What may follow the voxels, so that the end of the file and its checksum are seen."""
_LARGEST_SHIFT = 1 << 30
_LARGEST_RATIO = 1100
"""Deflate makes nothing more than 1032 times smaller."""


def read_nifti(path: Path) -> tuple[np.ndarray, Geometry]:
    """The array (kji, rescaled where the header says so) and its geometry (RAS mm).

    The sform is used where it is set, as nibabel does, otherwise the qform, otherwise the spacing alone.
    Raises `InputError` for a file that is cut off, not 3D, coloured or complex.
    """
    content = _content(path)
    header = _Header(content, path.name)
    size = header.size()
    item = np.dtype(header.order + header.type_code())
    start, count = header.offset(), math.prod(size)
    if len(content) < start + count * item.itemsize:
        have = max(0, len(content) - start) / max(1, count * item.itemsize)
        raise InputError(
            f"'{path.name}' is cut off.",
            cause=f"Only {have:.0%} of its voxels are there.",
            remedy="Copy or download the file again.",
        )
    array = np.frombuffer(content, dtype=item, count=count, offset=start).reshape(size[::-1])
    return header.rescaled(array), Geometry(size, header.matrix())


def _content(path: Path) -> bytes:
    """The file's bytes, of a compressed one no more than its header tells: a small file can hold terabytes of zeros."""
    raw = path.read_bytes()
    if raw[:2] != b"\x1f\x8b":
        return raw
    try:
        header = _Header(_inflate(raw[:_HEADER_PACKED], max(_HEADER_SIZE)), path.name)
        return _inflate(raw, header.end() + _SLACK)
    except EOFError as error:
        raise InputError(
            f"'{path.name}' is cut off.",
            cause="Its compressed data ends too early.",
            remedy="Copy or download the file again.",
        ) from error
    except zlib.error as error:
        raise InputError(
            f"'{path.name}' is damaged.", cause=str(error), remedy="Copy or download the file again."
        ) from error


def _inflate(raw: bytes, most: int) -> bytes:
    """The first ``most`` bytes that a gzip file holds, in all its parts; the checksum is looked at where a part ends.

    Raises `EOFError` where the file ends before, `zlib.error` where it is damaged.
    """
    parts, missing = [], min(most, _LARGEST_RATIO * len(raw))
    while raw and missing > 0:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        part = unpacker.decompress(raw, missing)
        parts.append(part)
        missing -= len(part)
        if not unpacker.eof and missing > 0:
            raise EOFError
        raw = unpacker.unused_data.lstrip(b"\0")
    return parts[0] if len(parts) == 1 else b"".join(parts)


class _Header:
    """The fields of a NIfTI-1 or NIfTI-2 header that tell what the image is and where it lies."""

    def __init__(self, content: bytes, name: str) -> None:
        self._content, self._name = content, name
        for order in "<>":
            size = int(np.frombuffer(content[:4], order + "i4")[0]) if len(content) >= 4 else 0
            if size in _HEADER_SIZE and len(content) >= size:
                self.order, self._version = order, _HEADER_SIZE[size]
                break
        else:
            raise InputError(f"'{name}' is not a NIfTI image.", remedy="Give a CT in NIfTI, NRRD, MHA or DICOM.")

    def _read(self, kind: str, count: int, first: int, second: int) -> np.ndarray:
        """Values at byte ``first`` of a NIfTI-1 header or ``second`` of a NIfTI-2 header."""
        return np.frombuffer(self._content, self.order + kind, count, first if self._version == 1 else second)

    def size(self) -> tuple[int, int, int]:
        dim = self._read("i2" if self._version == 1 else "i8", 8, 40, 16)
        rank = int(dim[0])
        sizes = [int(n) for n in dim[1 : rank + 1]] if 1 <= rank <= 7 else []
        if any(n > 1 for n in sizes[3:]):
            raise InputError(
                f"'{self._name}' has {len(sizes)} dimensions: it is not one image.", remedy="Give one 3D volume of it."
            )
        if len(sizes) < 3:
            raise InputError(f"'{self._name}' is not a 3D image.", remedy="Give a CT volume.")
        if min(sizes[:3]) < 1:
            raise InputError(f"'{self._name}' holds no voxels.", remedy="Give a CT volume.")
        return (sizes[0], sizes[1], sizes[2])

    def end(self) -> int:
        """Where the voxels end."""
        return self.offset() + math.prod(self.size()) * np.dtype(self.type_code()).itemsize

    def type_code(self) -> str:
        code = int(self._read("i2", 1, 70, 12)[0])
        if code in _COLOUR:
            raise InputError(f"'{self._name}' is a colour image.", remedy="Give a CT volume, with one value a voxel.")
        if code not in _TYPES:
            what = "complex numbers" if code in _COMPLEX else f"values of an unknown type ({code})"
            raise InputError(f"'{self._name}' holds {what}.", remedy="Give a CT volume.")
        return _TYPES[code]

    def offset(self) -> int:
        """Where the voxels begin; headers that say nonsense mean right behind themselves."""
        start = float(self._read("f4", 1, 108, 0)[0]) if self._version == 1 else float(self._read("i8", 1, 0, 168)[0])
        return max(int(start) if math.isfinite(start) else 0, 352 if self._version == 1 else 544)

    def rescaled(self, array: np.ndarray) -> np.ndarray:
        kind = "f4" if self._version == 1 else "f8"
        slope = float(self._read(kind, 1, 112, 176)[0])
        intercept = float(self._read(kind, 1, 116, 184)[0])
        # The standard: a slope of 0 means that no scaling is meant.
        if slope == 0.0 or not math.isfinite(slope + intercept) or (slope == 1.0 and intercept == 0.0):
            return array
        is_shift = slope == 1.0 and intercept.is_integer() and abs(intercept) < _LARGEST_SHIFT
        if is_shift and array.dtype.kind in "iu" and array.dtype.itemsize <= 2:
            return array.astype(np.int32) + np.int32(intercept)
        return array * np.float32(slope) + np.float32(intercept)

    def matrix(self) -> np.ndarray:
        kind = "f4" if self._version == 1 else "f8"
        qform_code = int(self._read("i2" if self._version == 1 else "i4", 1, 252, 344)[0])
        sform_code = int(self._read("i2" if self._version == 1 else "i4", 1, 254, 348)[0])
        pixdim = self._read(kind, 8, 76, 104).astype(float)
        matrix = np.eye(4)
        if sform_code > 0:
            matrix[:3] = self._read(kind, 12, 280, 400).reshape(3, 4)
        elif qform_code > 0:
            quaternion = self._read(kind, 3, 256, 352).astype(float)
            flip = -1.0 if pixdim[0] < 0 else 1.0
            matrix[:3, :3] = _rotation(quaternion) * (pixdim[1:4] * (1.0, 1.0, flip))
            matrix[:3, 3] = self._read(kind, 3, 268, 376)
        else:
            matrix[:3, :3] = np.diag(pixdim[1:4])
        matrix[:3] *= self._millimetres()
        return matrix

    def _millimetres(self) -> float:
        """Millimetres in the file's unit of length; millimetres where it says nothing."""
        units = int(self._content[123]) if self._version == 1 else int(self._read("i4", 1, 0, 500)[0])
        return {1: 1000.0, 3: 0.001}.get(units & 7, 1.0)


def _rotation(quaternion: np.ndarray) -> np.ndarray:
    b, c, d = quaternion
    a = math.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
