"""The models that are here: the bundled ones, found beside the code or in the installed extension."""

from __future__ import annotations

from pathlib import Path

from BoneSegLib.errors import MissingError
from BoneSegLib.models.folder import MANIFEST, read_model
from BoneSegLib.models.model import Model
from BoneSegLib.resources import resources_folder

DEFAULT_MODEL = "boneseg-bones-1"


def bundled_models() -> tuple[Path, ...]:
    """The folders of the bundled models, the default first."""
    folders = [path.parent for path in (resources_folder() / "Models").glob(f"*/{MANIFEST}")]
    return tuple(sorted(folders, key=lambda folder: (folder.name != DEFAULT_MODEL, folder.name)))


def open_model(folder: Path | None) -> Model:
    """The model in ``folder``, or the default bundled one for ``None``. Raises `MissingError`, `ModelError`."""
    if folder is not None:
        return read_model(folder)
    bundled = bundled_models()
    if not bundled:
        raise MissingError("No model is bundled.", remedy="Name a model folder with --model.")
    return read_model(bundled[0])
