"""Which reference belongs to which case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from BoneSegLib.batch.cases import Case
from BoneSegLib.errors import InputError
from BoneSegLib.headless.image_file import IMAGE_SUFFIXES, stem
from BoneSegLib.headless.read import SEGMENTATION_SUFFIXES

# nnU-Net calls images case_0000.nii.gz and their labels case.nii.gz.
_CHANNEL = re.compile(r"_0000$")


def with_references(cases: Sequence[Case], folder: Path) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """The cases with the references found below ``folder``, and a note where some have none.

    A reference has the path of its case below the folder (nnU-Net's ending ``_0000`` left out). Where a case is alone
    in its folder, the folder's name does as well, and so does the only segmentation in it. A case that has a reference
    already keeps it. Raises `InputError`.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder of references '{folder}'.", remedy="Check how the path is spelled.")
    by_name, by_folder = _files_in(folder)
    shared = {place for place, count in Counter(_folder_of(case.name) for case in cases).items() if count > 1}
    matched = tuple(
        case if case.reference else replace(case, reference=_reference_of(case.name, by_name, by_folder, shared))
        for case in cases
    )
    without = [case.name for case in matched if case.reference is None]
    if not without:
        return matched, ()
    told = ", ".join(without[:5]) + (", ..." if len(without) > 5 else "")
    return matched, (f"{len(without)} of {len(cases)} cases have no reference in '{folder.name}': {told}.",)


def _files_in(folder: Path) -> tuple[dict[str, Path], dict[str, list[Path]]]:
    """Label files by their path without suffix, and by their folder."""
    by_name: dict[str, Path] = {}
    by_folder: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.name[0] == "." or not path.name.lower().endswith((*SEGMENTATION_SUFFIXES, *IMAGE_SUFFIXES)):
            continue
        parent = path.parent.relative_to(folder)
        by_name.setdefault((parent / stem(path)).as_posix().casefold(), path)
        by_folder.setdefault(parent.as_posix().casefold(), []).append(path)
    return by_name, by_folder


def _reference_of(
    case: str, by_name: dict[str, Path], by_folder: dict[str, list[Path]], shared: set[str]
) -> Path | None:
    name = case.casefold()
    for candidate in (name, _CHANNEL.sub("", name)):
        if candidate in by_name:
            return by_name[candidate]
    above = _folder_of(case)
    # A folder stands for its case only where it holds no other one.
    for place in (name, "" if above in shared else above):
        if place and len(by_folder.get(place, ())) == 1:
            return by_folder[place][0]
        if place and place in by_name:
            return by_name[place]
    return None


def _folder_of(case: str) -> str:
    return case.casefold().rpartition("/")[0]
