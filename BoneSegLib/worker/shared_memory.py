"""Memory that two processes see: the image goes in, the labels come back, neither is copied through a pipe.

On Linux and macOS it is a file in memory (or in the temporary folder), deleted as soon as the other side has opened it,
so that no patient's image stays behind even after a crash. On Windows it is a named mapping, which is no file at all.
`multiprocessing.shared_memory` is not used: it starts a helper process with ``sys.executable``, which inside Slicer
may be Slicer.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import shutil
import tempfile
from pathlib import Path

import numpy as np

from BoneSegLib.errors import ResourceError

PREFIX = "boneseg-"
_IN_MEMORY = Path("/dev/shm")


class SharedMemory:
    """``size`` bytes under a ``name`` by which another process opens them."""

    def __init__(self, name: str, mapping: mmap.mmap, *, file: int | None = None) -> None:
        self.name = name
        self._mapping = mapping
        self._file = file

    @classmethod
    def create(cls, size: int) -> SharedMemory:
        """New memory. Raises `ResourceError` when there is no room for it."""
        if os.name == "nt":
            name = PREFIX + secrets.token_hex(8)
            return cls(name, mmap.mmap(-1, size, tagname=name))  # type: ignore[call-arg]
        folder = next((place for place in _folders() if shutil.disk_usage(place).free > size), None)
        if folder is None:
            raise _no_room(size)
        file, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)
        os.truncate(file, size)
        return cls(name, mmap.mmap(file, size), file=file)

    @classmethod
    def open(cls, name: str, size: int) -> SharedMemory:
        """The memory that another process created."""
        if os.name == "nt":
            return cls(name, mmap.mmap(-1, size, tagname=name))  # type: ignore[call-arg]
        file = os.open(name, os.O_RDWR)
        try:
            return cls(name, mmap.mmap(file, size))
        finally:
            os.close(file)

    def reserve(self, start: int, size: int) -> None:
        """Takes the bytes for good: writing where a full disk has none would end the process without a word."""
        if self._file is None or not hasattr(os, "posix_fallocate"):
            return
        try:
            os.posix_fallocate(self._file, start, size)
        except OSError as error:
            raise _no_room(size) from error

    def array(self, start: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """The bytes from ``start`` as an array, which keeps the memory alive."""
        return np.ndarray(shape, dtype, buffer=self._mapping, offset=start)

    def forget_name(self) -> None:
        """Deletes the file; whoever has it open keeps the bytes. Does no harm when called again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
            remove_name(self.name)


def remove_name(name: str) -> None:
    """Deletes memory's file, if it is still there."""
    if os.name != "nt" and Path(name).name.startswith(PREFIX):
        with contextlib.suppress(OSError):
            Path(name).unlink()


def _folders() -> list[Path]:
    """Where to look for room: memory first, then the disk."""
    places = [_IN_MEMORY, Path(tempfile.gettempdir())]
    return [place for place in places if place.is_dir() and os.access(place, os.W_OK)]


def _no_room(size: int) -> ResourceError:
    return ResourceError(
        "There is no room to hand the image to the worker process.",
        cause=f"About {size / 2**30:.1f} GB are needed in memory or in the temporary folder.",
        remedy="Free some memory or disk space, or limit the run to a region.",
    )
