"""Names of files that the C++ libraries can take."""

from __future__ import annotations

from pathlib import Path

NOT_UNICODE = "Its path, or a part of it, is not Unicode."


def is_unicode(path: Path) -> bool:
    """Whether every character of a path is one; old disks hold names in other encodings, which end ITK's process."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in str(path)


def shown(path: Path) -> str:
    """The file's name, fit to be printed."""
    return path.name.encode("utf-8", "replace").decode("utf-8")
