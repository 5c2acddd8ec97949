"""What the cases of a folder were made with, kept beside them: cases of two kinds do not mix unseen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.tables import write_atomically
from BoneSegLib.json_input import read_json
from BoneSegLib.training.synthesis.generator import SynthesisOptions

FILE = "synthesis.json"
GENERATOR = 2
"""Raised with every change after which a seed makes other cases."""
_WORDS = {"bone_hu": "--bone-hu", "generator": "the generator's version"} | {
    name: f"--{name}" for name in ("seed", "exclude", "shapes", "format")
}
"""What the command line calls a setting."""
_NAMED = 4


def settings_of(
    maps: Path,
    options: SynthesisOptions,
    *,
    seed: int,
    exclude: Sequence[str],
    shapes: Sequence[Path],
    bone_hu: Path | None,
    file_format: str,
) -> dict[str, Any]:
    """All that a case depends on but its number, as JSON holds it; files by name and size in bytes."""
    settings = {
        "generator": GENERATOR,
        "seed": seed,
        "maps": _sizes(maps, "*.nii.gz"),
        "exclude": sorted(set(exclude)),
        "shapes": [_sizes(folder, "*.vtp") for folder in shapes],
        "bone_hu": _sizes(bone_hu, "*.nrrd") if bone_hu else {},
        "format": file_format,
        "options": asdict(options),
    }
    return json.loads(json.dumps(settings))


def require_same(folder: Path, settings: Mapping[str, Any]) -> None:
    """Raises `InputError` where ``folder`` holds cases that were made with other settings."""
    if not (folder / FILE).is_file():
        return
    kept = read_json(folder / FILE)
    others = [_difference(name, kept.get(name), asked) for name, asked in settings.items() if kept.get(name) != asked]
    if others:
        raise InputError(
            f"The cases in '{folder.name}' were made with other settings.",
            cause=f"What differs: {'; '.join(others)}.",
            remedy="Go on with what they were made with, or choose another folder.",
        )


def keep_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Writes ``synthesis.json``. Raises `InputError` where another run has begun with other settings meanwhile.

    A folder from before there was such a file is taken as it is: nothing tells what its cases were made with, and
    hours of work should not be lost to an update.
    """
    require_same(folder, settings)
    if not (folder / FILE).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / FILE, json.dumps(settings, indent=1) + "\n")


def _sizes(folder: Path, pattern: str) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.glob(pattern))}


def _difference(name: str, kept: Any, asked: Any) -> str:
    """``--seed (1, now 99)``, or which of many: ``maps (s0004.nii.gz)``."""
    if isinstance(kept, dict) and isinstance(asked, dict):
        keys = [key for key in sorted({**kept, **asked}) if kept.get(key) != asked.get(key)]
        told = ", ".join([*keys[:_NAMED], *(["..."] if len(keys) > _NAMED else [])])
    elif name == "shapes":
        told = "other surfaces"
    else:
        told = f"{_short(kept)}, now {_short(asked)}"
    return f"{_WORDS.get(name, name)} ({told})"


def _short(value: Any) -> str:
    if value is None:
        return "unknown"
    return (",".join(value) or "none") if isinstance(value, list) else str(value)
