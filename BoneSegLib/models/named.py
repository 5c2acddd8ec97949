"""A model as the command line names it. Nothing heavy is imported: parsers are built with it."""

from __future__ import annotations

from pathlib import Path

from BoneSegLib.errors import MissingError

BUNDLED = "bundled"


def model_folder(text: str) -> Path:
    """A model folder, ``bundled``, or the name of a bundled model; a folder that is there goes before a name.

    Raises `MissingError` where none is bundled.
    """
    path = Path(text)
    if path.exists():
        return path
    from BoneSegLib.models.catalogue import bundled_models

    folders = bundled_models()
    if text == BUNDLED:
        if not folders:
            raise MissingError("No model is bundled.", remedy="Name a model folder.")
        return folders[0]
    return next((folder for folder in folders if folder.name == text), path)
