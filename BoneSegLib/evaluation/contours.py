"""Outlines of masks and grey pictures, as what an HTML page can hold."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np


def outline_path(mask: np.ndarray) -> str:
    """The SVG path along the pixel edges between inside and outside of a mask (rows, columns; bool).

    In units of pixels, with (0, 0) at the outer corner of the first pixel. Exact: it shows the voxels that were
    compared, not a smoothed idea of them.
    """
    padded = np.pad(mask, 1).astype(np.int8)
    parts = []
    for row, first, last in _runs(np.diff(padded, axis=0)[:, 1:-1] != 0):
        parts.append(f"M{first} {row}H{last}")
    for column, first, last in _runs((np.diff(padded, axis=1)[1:-1] != 0).T):
        parts.append(f"M{column} {first}V{last}")
    return "".join(parts)


def _runs(marks: np.ndarray) -> list[tuple[int, int, int]]:
    """(line, first, last + 1) of each run of true values along the lines of a 2D array."""
    steps = np.diff(np.pad(marks, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    lines, starts = np.nonzero(steps == 1)
    _, stops = np.nonzero(steps == -1)
    return list(zip(lines.tolist(), starts.tolist(), stops.tolist(), strict=True))


def png_uri(picture: np.ndarray) -> str:
    """A grey (rows, columns) or RGB (rows, columns, 3) picture, uint8, as a ``data:`` address of a PNG."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(picture)).decode("ascii")


def png_bytes(picture: np.ndarray) -> bytes:
    """PNG with 8 bits a channel, grey or RGB by the picture's shape; ISO/IEC 15948."""
    height, width = picture.shape[:2]
    color_type = 0 if picture.ndim == 2 else 2
    pixels = picture.reshape(height, -1)
    rows = np.zeros((height, pixels.shape[1] + 1), dtype=np.uint8)  # each row starts with its filter, 0 for none
    rows[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
