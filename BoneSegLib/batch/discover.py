"""From what the user names (files, folders, patterns, DICOM trees, a CSV) to the list of cases."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from BoneSegLib.batch.cases import Case, LeftOut, Listing
from BoneSegLib.batch.csv_list import read_case_list
from BoneSegLib.batch.dicom_tree import holds_dicom, series_cases
from BoneSegLib.batch.names import Found, distinct, natural_key, parents_of, safe_name
from BoneSegLib.batch.references import with_references
from BoneSegLib.errors import InputError
from BoneSegLib.headless.dicom_slice import is_dicom
from BoneSegLib.headless.image_file import IMAGE_SUFFIXES, stem
from BoneSegLib.headless.names import NOT_UNICODE, is_unicode, shown
from BoneSegLib.headless.read import SEGMENTATION_SUFFIXES

_WILD = "*?["


def find_cases(
    inputs: Sequence[str], *, output: Path, references: Path | None = None, all_series: bool = False
) -> Listing:
    """The cases that ``inputs`` stand for, in their natural order, with names that differ.

    The output folder and the folder of references are passed over where they lie inside an input. Raises `InputError`
    for an input that does not exist and when there is no case at all.
    """
    search = _Search(passed_over=tuple(path.resolve() for path in (output, references) if path is not None))
    for text in inputs:
        search.add(text)
    found, left_out = series_cases(search.dicom.items(), all_series=all_series)
    everything = [*search.found, *found]
    if not everything:
        told = "; ".join(f"{one.what}: {one.why}" for one in [*search.left_out, *left_out][:5])
        raise InputError(
            "There is no CT to segment in: " + ", ".join(inputs) + ".",
            cause=told,
            remedy="Give files (" + ", ".join(IMAGE_SUFFIXES) + "), folders of them, DICOM folders or a CSV.",
        )
    cases, notes = distinct(everything)
    if references is not None:
        cases, more = with_references(cases, references)
        notes += more
    ordered = sorted(cases, key=lambda case: natural_key(case.name))
    return Listing(tuple(ordered), (*search.left_out, *left_out), notes)


class _Search:
    """Collects image files and DICOM folders; each path once."""

    def __init__(self, *, passed_over: tuple[Path, ...]) -> None:
        self._passed_over = passed_over
        self._seen: set[Path] = set()
        self.found: list[Found] = []
        self.dicom: dict[Path, str] = {}
        self.left_out: list[LeftOut] = []

    def add(self, text: str) -> None:
        path = Path(text)
        if path.is_dir():
            self._add_folder(path)
        elif path.is_file():
            self._add_file(path, base=path.parent)
        elif any(sign in text for sign in _WILD):
            base = _fixed_part(text)
            matches = sorted(base.glob(str(path.relative_to(base))), key=lambda match: natural_key(str(match)))
            if not matches:
                raise InputError(f"Nothing matches '{text}'.", remedy="Check how the pattern is spelled.")
            for match in matches:
                self._add_match(match, base=base)
        else:
            raise InputError(f"'{text}' does not exist.", remedy="Check how the path is spelled.")

    def _add_match(self, path: Path, *, base: Path) -> None:
        if path.is_dir():
            self._add_folder(path, base=base)
        else:
            self._add_file(path, base=base)

    def _add_file(self, path: Path, *, base: Path) -> None:
        name = path.name.lower()
        if name.endswith(".csv"):
            self.found += [Found(case, ()) for case in read_case_list(path)]
        elif name.endswith(SEGMENTATION_SUFFIXES):
            self.left_out.append(LeftOut(str(path), "A segmentation, not an image."))
        elif name.endswith(IMAGE_SUFFIXES):
            self._add_image(path, base=base)
        elif is_dicom(path):
            self._add_dicom(path.parent, _relative(path.parent, base))
        else:
            # Named by the user, so it is a case that fails and says why, rather than nothing.
            self._add_image(path, base=base)

    def _add_folder(self, folder: Path, *, base: Path | None = None) -> None:
        for place, files in self._walk(folder):
            images = [file for file in files if file.name.lower().endswith(IMAGE_SUFFIXES)]
            for file in sorted(images, key=lambda file: natural_key(file.name)):
                if not file.name.lower().endswith(SEGMENTATION_SUFFIXES):
                    self._add_image(file, base=base or folder)
            if holds_dicom(place, (file for file in files if file not in images)):
                self._add_dicom(place, _relative(place, base or folder))

    def _walk(self, folder: Path) -> Iterator[tuple[Path, list[Path]]]:
        """Every folder below with its files; hidden ones and our own output left out."""
        for place, folders, files in os.walk(folder):
            here = Path(place)
            folders[:] = sorted(
                (name for name in folders if name[0] != "." and not self._is_passed_over(here / name)), key=natural_key
            )
            yield here, [here / name for name in sorted(files) if name[0] != "."]

    def _is_passed_over(self, folder: Path) -> bool:
        return folder.resolve() in self._passed_over

    def _add_image(self, path: Path, *, base: Path) -> None:
        if self._is_new(path):
            relative = _relative(path, base)
            name = safe_name((Path(relative).parent / stem(path)).as_posix())
            kind = path.name[len(stem(path)) :].strip(".").replace(".", "_")
            self.found.append(Found(Case(name, path), parents_of(base / "x"), kind))

    def _add_dicom(self, folder: Path, name: str) -> None:
        """A folder below one that is known already is part of it."""
        if not any(known in folder.parents for known in self.dicom) and self._is_new(folder):
            self.dicom[folder] = folder.resolve().name if name in (".", "") else name

    def _is_new(self, path: Path) -> bool:
        """Whether it is met for the first time, and has a name that can be read and written down."""
        if not is_unicode(path):
            self.left_out.append(LeftOut(shown(path), f"{NOT_UNICODE} Rename it."))
            return False
        real = path.resolve()
        is_new = real not in self._seen
        self._seen.add(real)
        return is_new


def _relative(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name


def _fixed_part(pattern: str) -> Path:
    """The folders of a pattern before its first wild card."""
    fixed: list[str] = []
    for part in Path(pattern).parts[:-1]:
        if any(sign in part for sign in _WILD):
            break
        fixed.append(part)
    return Path(*fixed)
