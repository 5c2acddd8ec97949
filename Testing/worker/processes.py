"""Processes as Linux tells of them, without a further package."""

from __future__ import annotations

import os
from pathlib import Path


def lives(pid: int) -> bool:
    """Whether the process is there and not merely waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def children(pid: int) -> set[int]:
    """All descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
    found, pending = set(), [pid]
    while pending:
        parent = pending.pop()
        new = {child for child, own in parents.items() if own == parent} - found
        found |= new
        pending.extend(new)
    return found


def workers() -> set[int]:
    """Worker processes below this one that live."""
    return {pid for pid in children(os.getpid()) if lives(pid) and "BoneSegLib.worker" in _command(pid)}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
