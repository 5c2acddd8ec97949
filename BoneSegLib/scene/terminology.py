"""The terminology codes of the ten bones, as Slicer stores them in a segment and as a list to choose from."""

from __future__ import annotations

from pathlib import Path

import slicer

from BoneSegLib.anatomy import Structure
from BoneSegLib.errors import MissingError
from BoneSegLib.resources import resources_folder

FILE_NAME = "SegmentationCategoryTypeModifier-BoneSeg.term.json"
CONTEXT_NAME = "Segmentation category and type - BoneSeg"
_CATEGORY = ("SCT", "123037004", "Anatomical Structure")
_SIDES: dict[str | None, tuple[str, str, str]] = {
    "left": ("SCT", "7771000", "Left"),
    "right": ("SCT", "24028007", "Right"),
    None: ("", "", ""),
}


def terminology_entry(structure: Structure) -> str:
    """The value of a segment's terminology tag: context, category, type, modifier, and no anatomic region.

    Empty for a structure without a code.
    """
    if structure.code is None:
        return ""
    code, meaning = structure.code
    parts = (_CATEGORY, ("SCT", code, meaning), _SIDES[structure.side])
    coded = "~".join("^".join(part) for part in parts)
    return f"{CONTEXT_NAME}~{coded}~~^^~^^"


def terminology_file() -> Path:
    """Where the list lies. Raises `MissingError`."""
    path = resources_folder() / "Terminology" / FILE_NAME
    if not path.is_file():
        raise MissingError(f"{FILE_NAME} is missing.", remedy="Install BoneSeg again.")
    return path


def load_terminology() -> str:
    """Adds our list to Slicer's terminologies and returns its name. Loading it again does no harm."""
    logic = slicer.modules.terminologies.logic()
    name = logic.LoadTerminologyFromFile(str(terminology_file()))
    if not name:
        raise MissingError(f"{FILE_NAME} cannot be loaded.", remedy="Install BoneSeg again.")
    return name
