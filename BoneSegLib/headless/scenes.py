"""Whole scenes, ``.mrml`` and ``.mrb``."""

from __future__ import annotations

from pathlib import Path

from BoneSegLib.errors import InputError, OutputError
from BoneSegLib.headless.atomic import check_writable
from BoneSegLib.headless.image_file import require_file
from BoneSegLib.headless.messages import capture_messages
from BoneSegLib.headless.plain_numbers import plain_numbers
from BoneSegLib.headless.runtime import ensure_runtime

SCENE_SUFFIXES = (".mrml", ".mrb")


@plain_numbers()
def read_scene(path: str | Path, *, clear: bool = False) -> None:
    """Adds the nodes of a scene file to `slicer.mrmlScene`. Raises `InputError`."""
    path = require_file(path)
    slicer = ensure_runtime()
    if path.suffix.lower() not in SCENE_SUFFIXES:
        raise InputError(f"'{path.name}' is not a scene.", remedy="Give a .mrml or .mrb file.")
    with capture_messages() as messages:
        read = _load(slicer, str(path.resolve()), clear=clear)
    if not read or messages.errors:
        raise InputError(f"The scene '{path.name}' cannot be read.", cause=messages.cause())


@plain_numbers()
def write_scene(path: str | Path) -> None:
    """Saves `slicer.mrmlScene`; a ``.mrb`` holds the data too. Raises `OutputError`."""
    path = check_writable(path, SCENE_SUFFIXES)
    slicer = ensure_runtime()
    with capture_messages() as messages:
        try:
            written = slicer.util.saveScene(str(path.resolve()))
        except RuntimeError:
            written = False
    if not written or not path.exists():
        raise OutputError(f"The scene '{path.name}' could not be written.", cause=messages.cause())


def _load(slicer, path: str, *, clear: bool) -> bool:
    try:
        slicer.util.loadScene(path, {"clear": clear})
    except RuntimeError:
        return False
    return True
