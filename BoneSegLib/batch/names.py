"""Names of cases: paths below the output folder that differ from each other on every file system."""

from __future__ import annotations

import re
from collections import Counter
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

    ``kind`` (the suffix of the file) tells apart what nothing else does.
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

    Of the same name, all get the folder above in front, then the next one; then the kind of file behind; then a number.
    """
    names = [one.case.name for one in found]
    for depth in range(1, max((len(one.parents) for one in found), default=0) + 1):
        for index in _duplicates(names):
            parents = found[index].parents
            if depth <= len(parents):
                names[index] = safe_name("/".join([*parents[-depth:], found[index].case.name]))
    for index in _duplicates(names):
        if found[index].kind:
            names[index] += "_" + found[index].kind
    for number, index in enumerate(_duplicates(names), start=1):
        names[index] += f"_{number}"
    notes = tuple(
        f"Several images are called '{one.case.name}'; this one becomes the case '{name}': {one.case.image}"
        for one, name in zip(found, names, strict=True)
        if name != one.case.name
    )
    cases = tuple(replace(one.case, name=name) for one, name in zip(found, names, strict=True))
    return cases, notes


def _duplicates(names: Sequence[str]) -> list[int]:
    """Where names stand that occur more than once; upper and lower case are the same on many file systems."""
    counts = Counter(name.casefold() for name in names)
    return [index for index, name in enumerate(names) if counts[name.casefold()] > 1]


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sorts ``case2`` before ``case10``."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
