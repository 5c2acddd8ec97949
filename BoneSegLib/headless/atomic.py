"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from BoneSegLib.errors import BoneSegError, OutputError, ResourceError
from BoneSegLib.headless.names import NOT_UNICODE, is_unicode, shown

_FULL = 1 << 16
"""Bytes: a disk with fewer free is full."""


def check_writable(path: str | Path, suffixes: tuple[str, ...] = (), *, hint: str = "") -> Path:
    """The path, if a file can be written there; asked before a long run, so that it does not fail at its end.

    A missing folder is made when its own parent exists; anything deeper is taken for a typing error. Raises
    `OutputError` for an unknown suffix (when ``suffixes`` are given; ``hint`` is then told too), a folder in the file's
    place, a missing parent or missing rights.
    """
    path = Path(path)
    if suffixes and not path.name.lower().endswith(suffixes):
        raise OutputError(
            f"The suffix of '{path.name}' is none that can be written here.",
            remedy="Use one of: " + ", ".join(suffixes) + "." + (hint and f" {hint}"),
        )
    if not is_unicode(path):
        raise OutputError(
            f"The name '{shown(path)}' cannot be used.", cause=NOT_UNICODE, remedy="Choose another name or folder."
        )
    try:
        path.lstat()
    except OSError as error:
        if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
            raise OutputError(
                f"The name '{path.name[:40]}' cannot be used.",
                cause=error.strerror or "",
                remedy="Choose another name.",
            ) from error
    if path.is_dir():
        raise OutputError(f"'{path.name}' is a folder.", remedy="Name a file.")
    folder = path.parent
    if not folder.exists():
        if not folder.parent.is_dir():
            raise OutputError(
                f"The output folder '{folder}' does not exist.", remedy="Create it, or check how the path is spelled."
            )
        _make_folder(folder)
    if not folder.is_dir():
        raise OutputError(f"'{folder}' is not a folder.", remedy="Choose another output folder.")
    _try_writing(folder)
    if path.exists() and not os.access(path, os.W_OK):
        raise OutputError(f"'{path.name}' is write-protected.", remedy="Choose another file, or remove the protection.")
    return path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Gives a temporary path beside ``path`` with the same suffix; it takes the place of ``path`` on success.

    On any failure the temporary file goes and ``path`` stays as it was. Raises `OutputError`, or `ResourceError` when
    the disk is full.
    """
    path = Path(path)
    # The end of the name is kept, since readers and writers go by suffixes such as .seg.nrrd; not all of it, since no
    # disk takes more than 255 bytes.
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.part.{path.name[-40:]}")
    try:
        yield temporary
        temporary.replace(path)
    except OutputError as error:
        # ITK and MRML do not say why they could not write.
        if shutil.disk_usage(path.parent).free < _FULL:
            raise _disk_full(path) from error
        raise
    except BoneSegError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(path) from error
        raise OutputError(
            f"'{path.name}' could not be written.", cause=error.strerror or "", remedy="Choose another place."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The output folder '{folder}' cannot be made.", cause=error.strerror or "", remedy="Choose another folder."
        ) from error


def _try_writing(folder: Path) -> None:
    """Rights tell little on network drives and Windows; a file tells all."""
    probe = folder / f".{uuid.uuid4().hex[:8]}.part"
    try:
        probe.touch(exist_ok=False)
    except OSError as error:
        raise OutputError(
            f"The output folder '{folder}' is not writable.",
            cause=error.strerror or "",
            remedy="Choose another folder.",
        ) from error
    finally:
        probe.unlink(missing_ok=True)


def _disk_full(path: Path) -> ResourceError:
    return ResourceError(f"The disk is full; '{path.name}' was not written.", remedy="Free some space.")
