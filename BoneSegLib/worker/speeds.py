"""How fast this computer is, remembered from run to run."""

from __future__ import annotations

import contextlib
import json
import os

_FILE = "speeds.json"
_OLD = 0.5
"""What a new run weighs against the memory of earlier ones."""


def read_speeds(key: str) -> dict[str, float]:
    """Seconds per unit of work of each step; empty where nothing is known of this model on this device."""
    known = _read().get(key)
    if not isinstance(known, dict):
        return {}
    return {name: float(value) for name, value in known.items() if isinstance(value, (int, float)) and value > 0}


def remember_speeds(key: str, speeds: dict[str, float]) -> None:
    """A folder that cannot be written only means that nothing is remembered."""
    before = read_speeds(key)
    data = _read()
    data[key] = {name: _OLD * before.get(name, value) + (1 - _OLD) * value for name, value in speeds.items()}
    from BoneSegLib.inference.device import cache_folder

    with contextlib.suppress(OSError):
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{_FILE}.{os.getpid()}.tmp"
        temporary.write_text(json.dumps(data), encoding="utf-8")
        temporary.replace(folder / _FILE)


def _read() -> dict[str, object]:
    from BoneSegLib.inference.device import cache_folder

    try:
        data = json.loads((cache_folder() / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
