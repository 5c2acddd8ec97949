"""Key-value fields in the header of an NRRD file, which Slicer reads over and people can read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_END_OF_HEADER = b"\n\n"
# A header is a few kilobytes; ten segments with their codes take four.
_LONGEST_HEADER = 1 << 20


def add_fields(path: Path, fields: Mapping[str, str]) -> None:
    """Adds ``key:=value`` lines to the end of the header."""
    if not fields:
        return
    content = path.read_bytes()
    end = content.index(_END_OF_HEADER)
    lines = "".join(f"\n{key}:={_escaped(value)}" for key, value in fields.items())
    with path.open("wb") as file:
        file.write(content[:end])
        file.write(lines.encode("utf-8"))
        file.write(memoryview(content)[end:])


def read_fields(path: Path, prefix: str) -> dict[str, str]:
    """The fields whose key begins with ``prefix``."""
    with path.open("rb") as file:
        header = file.read(_LONGEST_HEADER).split(_END_OF_HEADER)[0].decode("utf-8", errors="replace")
    pairs = (line.split(":=", 1) for line in header.splitlines() if line.startswith(prefix) and ":=" in line)
    return {key: _plain(value) for key, value in pairs}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\r\n", "\n").replace("\n", "\\n")


def _plain(value: str) -> str:
    return value.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")
