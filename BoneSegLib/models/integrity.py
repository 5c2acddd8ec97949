"""Is a model what it was when it was made? Told by SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from BoneSegLib.errors import ModelError
from BoneSegLib.models.jsonfile import Fields
from BoneSegLib.models.model import Model


def model_hash(model: Model) -> str:
    """SHA-256 over all of the model's checkpoints: says which weights made a result."""
    digest = hashlib.sha256()
    for name in sorted(model.stages):
        stage = model.stages[name]
        for fold in stage.folds:
            digest.update(sha256(stage.checkpoint(fold)).encode())
    return digest.hexdigest()


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(stream)


def _digest(stream: Any) -> str:
    digest = hashlib.sha256()
    while block := stream.read(2**20):
        digest.update(block)
    return digest.hexdigest()


def verify_files(model: Model) -> None:
    """Compares every file that the manifest lists with its SHA-256. Raises `ModelError` at the first difference."""
    listed = Fields(model.manifest, "boneseg.json").object("files", {})
    for relative, expected in listed.items():
        path = inside(model.folder, relative)
        if not path.is_file():
            raise ModelError(f"The model folder is incomplete: '{relative}' is missing.")
        if sha256(path) != expected:
            raise ModelError(
                f"The model was tampered with or damaged: '{relative}' is not what it was when the model was made.",
                remedy="Install the model again from its source.",
            )
    for stage in model.stages.values() if listed else ():
        for fold in stage.folds:
            relative = stage.checkpoint(fold).relative_to(model.folder).as_posix()
            if relative not in listed:
                raise ModelError(f"The model was tampered with: its manifest does not list '{relative}'.")


def inside(folder: Path, relative: str) -> Path:
    """``folder / relative``, refused when it leads out of the folder."""
    try:
        is_inside = (folder / relative).resolve().is_relative_to(folder.resolve())
        (folder / relative).exists()
    except (OSError, ValueError):  # a name that no disk can have
        is_inside = False
    if not is_inside:
        raise ModelError(f"The model folder refers to a file outside of itself: '{relative[:100]}'.")
    return folder / relative
