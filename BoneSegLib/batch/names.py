"""Names of cases: paths below the output folder that differ from each other on every file system."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from BoneSegLib.batch.cases import Case
from BoneSegLib.errors import InputError

# What Windows does not allow in a file name; a folder of results should open there too.
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')


@dataclass(frozen=True)
class Found:
    """A case that has no final name yet: ``name`` is its wish, ``parents`` what can be put in front, nearest last.

    ``kind`` (the suffix of the file, or that it is DICOM) tells apart what lies in one folder.
    """

    case: Case
    parents: tuple[str, ...] = ()
    kind: str = ""


def safe_name(text: str) -> str:
    """The name with ``/`` between folders and without what file systems forbid."""
    parts = [_FORBIDDEN.sub("_", part).strip() for part in PurePosixPath(text).parts]
    return "/".join(part if part.strip(".") else "_" for part in parts if part)


def require_safe_name(text: str, where: str) -> str:
    """A name given by the user. Raises `InputError` for one that would lead out of the output folder."""
    path = PurePosixPath(text.replace("\\", "/"))
    if not text.strip() or path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", text):
        raise InputError(
            f"{where}: '{text}' cannot name a case.", remedy="Give a name such as 'patient7' or 'site2/patient7'."
        )
    return safe_name(str(path))


def parents_of(path: Path) -> tuple[str, ...]:
    """The names of the folders above a path."""
    return tuple(part for part in path.resolve().parent.parts if part.strip("/\\") and ":" not in part)


def distinct(found: Sequence[Found]) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """The cases with names that differ, and a note for each that had to change.

    Of the same name below the same folders, all get the kind of file behind; of the same name elsewhere, the folder
    above in front, then the next one; of what is left, a number behind.
    """
    names = [one.case.name for one in found]
    for group in _groups([f"{'/'.join(one.parents)}/{one.case.name}" for one in found]):
        for index in group:
            if found[index].kind:
                names[index] += "_" + found[index].kind
    behind = names.copy()
    for depth in range(1, max((len(one.parents) for one in found), default=0) + 1):
        for group in _groups(names):
            if len({found[index].parents for index in group}) > 1:
                for index in group:
                    names[index] = safe_name("/".join([*found[index].parents[-depth:], behind[index]]))
    while groups := _groups(names):
        for group in groups:
            for number, index in enumerate(group, start=1):
                names[index] += f"_{number}"
    notes = tuple(
        f"Several images are called '{one.case.name}'; this one becomes the case '{name}': {one.case.image}"
        for one, name in zip(found, names, strict=True)
        if name != one.case.name
    )
    cases = tuple(replace(one.case, name=name) for one, name in zip(found, names, strict=True))
    return cases, notes


def _groups(names: Sequence[str]) -> list[list[int]]:
    """Where names stand that occur more than once; upper and lower case are the same on many file systems."""
    places: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        places.setdefault(name.casefold(), []).append(index)
    return [group for group in places.values() if len(group) > 1]


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sorts ``case2`` before ``case10``."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
