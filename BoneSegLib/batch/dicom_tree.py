"""The CT series of a DICOM folder or tree: which become cases, which do not, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from BoneSegLib.batch.cases import Case, LeftOut
from BoneSegLib.batch.names import Found, parents_of, safe_name
from BoneSegLib.errors import BoneSegError, InputError
from BoneSegLib.headless.dicom_series import FEWEST_SLICES, Series, list_series
from BoneSegLib.headless.dicom_slice import is_dicom, read_slice, should_be_ct

RULES = (
    f"A CT volume is a series of modality CT with at least {FEWEST_SLICES} parallel slices that is no localizer. "
    "Of each study one is taken: an original before a reformatted one, then the one of most slices. "
    "--all-series takes every CT volume."
)


@dataclass(frozen=True)
class _Candidate:
    """A usable series and where it was found."""

    folder: Path
    series: Series
    study: str


def holds_dicom(folder: Path, files: Iterable[Path]) -> bool:
    """Whether some of these files are DICOM images (a lone report or an index does not count)."""
    for file in files:
        try:
            if is_dicom(file) and (read_slice(file) is not None or should_be_ct(file)):
                return True
        except OSError:
            continue
    return False


def series_cases(folders: Iterable[tuple[Path, str]], *, all_series: bool) -> tuple[list[Found], list[LeftOut]]:
    """The cases in these DICOM folders, each given with the name of its cases; a folder includes all below it.

    A folder that cannot be read becomes a case with its problem, so that it is listed and the others go on.
    """
    found: list[Found] = []
    left_out: list[LeftOut] = []
    candidates: list[_Candidate] = []
    names: dict[Path, str] = {}
    for folder, name in folders:
        names[folder] = name
        try:
            listed = list_series(folder)
        except BoneSegError as error:
            found.append(_found(folder, name, name, problem=error))
            continue
        usable = [series for series in listed if series.is_usable]
        left_out += [LeftOut(f"{folder}: {series}", _why_not(series)) for series in listed if series not in usable]
        candidates += [_Candidate(folder, series, _study_of(series)) for series in usable]
        if not usable:
            left_out.append(LeftOut(str(folder), "None of its series is a CT volume."))
    chosen = candidates if all_series else _best_of_each_study(candidates, left_out)
    per_folder = {folder: sum(one.folder == folder for one in chosen) for folder in names}
    torn = _torn(candidates)
    for one in chosen:
        name = names[one.folder] if per_folder[one.folder] == 1 else f"{names[one.folder]}/{one.series.uid}"
        found.append(
            _found(
                one.folder,
                names[one.folder],
                name,
                series=one.series,
                problem=_torn_error() if one.series.uid in torn else None,
            )
        )
    return found, left_out


def _best_of_each_study(candidates: list[_Candidate], left_out: list[LeftOut]) -> list[_Candidate]:
    studies: dict[str, list[_Candidate]] = {}
    for one in candidates:
        studies.setdefault(one.study or str(one.folder), []).append(one)
    chosen = []
    for members in studies.values():
        best = min(members, key=lambda one: (not one.series.is_original, -one.series.count, one.series.uid))
        chosen.append(best)
        left_out += [
            LeftOut(f"{one.folder}: {one.series}", _why_second(one.series, best.series))
            for one in members
            if one is not best
        ]
    return chosen


def _why_not(series: Series) -> str:
    if series.modality != "CT":
        return f"Not a CT but {series.modality or 'of unknown modality'}."
    return "A localizer." if series.is_localizer else f"Only {series.count} slices."


def _why_second(series: Series, best: Series) -> str:
    if best.is_original and not series.is_original:
        return "Reformatted; the study has an original CT volume."
    return f"Another CT volume of the study was taken ({best.count} slices); --all-series takes both."


def _study_of(series: Series) -> str:
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(series.slices[0].path))
    reader.ReadImageInformation()
    return reader.GetMetaData("0020|000d").strip(" \0") if reader.HasMetaDataKey("0020|000d") else ""


def _torn(candidates: list[_Candidate]) -> set[str]:
    """Series that lie in more than one folder: each part alone would be a CT with gaps."""
    folders: dict[str, set[Path]] = {}
    for one in candidates:
        folders.setdefault(one.series.uid, set()).add(one.folder)
    return {uid for uid, places in folders.items() if len(places) > 1}


def _torn_error() -> InputError:
    return InputError(
        "The series is spread over several folders, or there twice.",
        remedy="Put all files of the series into one folder, and remove copies.",
    )


def _found(
    folder: Path, place: str, name: str, *, series: Series | None = None, problem: BoneSegError | None = None
) -> Found:
    """``place``: the folder as its name in the list of cases tells it, which may have folders above it already."""
    about = "" if series is None else f"{series.description or 'no description'}, {series.count} slices"
    case = Case(safe_name(name), folder, series=series.uid if series else None, about=about, problem=problem)
    above = parents_of(folder)
    return Found(case, above[: len(above) - place.count("/")], kind="dicom")
