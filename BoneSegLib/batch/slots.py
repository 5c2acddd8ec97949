"""A number for each worker process of a machine, so that each takes a graphics card of its own."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def own_slot(folder: Path | None = None) -> int:
    """The smallest number that no other process of this machine holds; kept until the process ends, however it ends.

    Held by the lock of a file, which the system lets go with the process: nothing is left to clean up after a kill.
    """
    folder = folder or Path(tempfile.gettempdir()) / f"boneseg-slots-{os.getuid() if hasattr(os, 'getuid') else ''}"
    folder.mkdir(exist_ok=True)
    number = 0
    while not _lock(folder / str(number)):
        number += 1
    return number


def own_device(asked: str, cards: int) -> str:
    """The device for this worker: for ``auto`` one of the ``cards`` in turn, anything else as it was asked for."""
    return f"cuda:{own_slot() % cards}" if asked == "auto" and cards else asked


def _lock(path: Path) -> bool:
    # Left open on purpose: the lock ends with the process.
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return False
    return True
