"""Where the bundled models and the terminology lie."""

from __future__ import annotations

from pathlib import Path

from BoneSegLib.errors import MissingError


def resources_folder() -> Path:
    """``Resources/``: beside BoneSegLib in the source tree and in Slicer, inside it when installed by pip.

    Raises `MissingError`.
    """
    package = Path(__file__).resolve().parent
    for folder in (package.parent / "Resources", package / "Resources"):
        if (folder / "Models").is_dir():
            return folder
    raise MissingError("BoneSeg's resources are not here.", remedy="Install BoneSeg again.")
