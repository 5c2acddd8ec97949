"""The header of an NRRD file: whether it is safe to read, and key-value fields that people and Slicer can read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from BoneSegLib.errors import InputError

_END_OF_HEADER = b"\n\n"
# A header is a few kilobytes; ten segments with their codes take four.
_LONGEST_HEADER = 1 << 20
_LONGEST_FIELD = 500
"""ITK's NRRD reader ends the process on a field of about 1000 characters that it cannot parse; real ones have some
tens. Fields with ``:=`` may be long."""


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


def require_readable_header(path: Path, *, names: bool = False) -> None:
    """Raises `InputError` for a header on which ITK's reader would end the process.

    ``names``: its fields will be read as names, so they must be in UTF-8.
    """
    header = _header(path)
    if not header.startswith(b"NRRD"):
        return
    if b"\0" in header:
        raise InputError(
            f"'{path.name}' is damaged.", cause="There is a zero in its header.", remedy="Copy or write the file again."
        )
    # A line may end with a lone carriage return too.
    for line in header.replace(b"\r", b"\n").split(b"\n"):
        field, _, _ = line.partition(b": ")
        if len(line) > _LONGEST_FIELD and b":=" not in field and not line.startswith(b"#"):
            raise InputError(
                f"'{path.name}' is damaged.",
                cause=f"A line of its header has {len(line)} characters.",
                remedy="Copy or write the file again.",
            )
    if names:
        try:
            header.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"The names in '{path.name}' cannot be read.",
                cause="Its header is not in UTF-8.",
                remedy="Copy the file again, or write it with 3D Slicer.",
            ) from error


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LONGEST_HEADER).replace(b"\r\n", b"\n").split(_END_OF_HEADER)[0]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\r\n", "\n").replace("\n", "\\n")


def _plain(value: str) -> str:
    return value.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")
