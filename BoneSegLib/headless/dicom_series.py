"""The DICOM series of a folder: found, described and chosen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from BoneSegLib.errors import InputError, NeedsConfirmation
from BoneSegLib.headless.dicom_slice import Slice, is_dicom, read_slice, should_be_ct
from BoneSegLib.headless.image_file import IMAGE_SUFFIXES

# Fewer slices are a localizer or a single picture, not a volume of bones.
FEWEST_SLICES = 8


@dataclass(frozen=True)
class Series:
    """A DICOM series: its parallel slices of one size. ``strays`` counts its other images (a scout, mostly)."""

    uid: str
    slices: tuple[Slice, ...]
    strays: int = 0

    @property
    def count(self) -> int:
        return sum(one.frames for one in self.slices)

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(one.path for one in self.slices)

    @property
    def modality(self) -> str:
        return self.slices[0].modality

    @property
    def description(self) -> str:
        return self.slices[0].description

    @property
    def is_localizer(self) -> bool:
        return "LOCALIZER" in self.slices[0].image_type.upper()

    @property
    def is_original(self) -> bool:
        return self.slices[0].image_type.upper().startswith("ORIGINAL")

    @property
    def is_usable(self) -> bool:
        return self.modality == "CT" and not self.is_localizer and self.count >= FEWEST_SLICES

    def __str__(self) -> str:
        kind = "localizer" if self.is_localizer else self.slices[0].image_type.replace("\\", "/")
        words = [self.modality or "?", self.description or "(no description)", f"{self.count} slices", kind]
        return f"{self.uid}: " + ", ".join(word for word in words if word)


def list_series(path: str | Path) -> tuple[Series, ...]:
    """The image series below a folder (or beside a file), the longest first.

    Raises `InputError` where there is none, and where a CT image is damaged or cut off.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    slices, damaged = [], []
    for file in sorted(file for file in folder.rglob("*") if file.is_file() and is_dicom(file)):
        one = read_slice(file)
        if one is not None:
            slices.append(one)
        elif should_be_ct(file):
            damaged.append(file)
    if damaged:
        raise InputError(
            f"{len(damaged)} of {len(damaged) + len(slices)} DICOM images are damaged or cut off.",
            cause=f"The first one is '{damaged[0].name}'.",
            remedy="Copy or export the series again.",
        )
    if not slices:
        images = any(file.name.lower().endswith(IMAGE_SUFFIXES) for file in folder.iterdir())
        remedy = "Name one of the images in it, or segment all of them: boneseg batch FOLDER -o RESULTS."
        raise InputError(
            f"No DICOM images in '{folder.name}'.",
            remedy=remedy if images else "Give the folder that holds the series.",
        )
    by_uid: dict[str, list[Slice]] = {}
    for one in slices:
        by_uid.setdefault(one.uid, []).append(one)
    found = [_series(uid, members) for uid, members in by_uid.items()]
    return tuple(sorted(found, key=lambda series: (-series.count, series.uid)))


def choose_series(found: tuple[Series, ...], *, uid: str | None = None, force: bool = False) -> Series:
    """The series asked for, or the only CT volume among them (original rather than reformatted).

    Raises `InputError` for an unknown ``uid``, `NeedsConfirmation` where the choice is not clear or is no CT;
    ``force`` then takes the longest.
    """
    if uid is not None:
        chosen = next((series for series in found if series.uid == uid), None)
        if chosen is None:
            raise InputError(f"There is no series {uid}.", cause=_listing(found), remedy="Give one of these UIDs.")
        return _require_ct(chosen, force=force)
    usable = [series for series in found if series.is_usable]
    originals = [series for series in usable if series.is_original]
    candidates = originals if originals else usable
    if len(candidates) == 1 or (candidates and force):
        return candidates[0]
    if candidates:
        raise NeedsConfirmation(
            "The folder holds several CT series.", cause=_listing(tuple(candidates)), remedy="Choose: --series UID."
        )
    if len(found) == 1 or force:
        return _require_ct(found[0], force=force)
    raise NeedsConfirmation("None of the series is a CT volume.", cause=_listing(found), remedy="Choose: --series UID.")


def _require_ct(series: Series, *, force: bool) -> Series:
    if series.modality != "CT" and not force:
        raise NeedsConfirmation(
            f"The series is not a CT but '{series.modality or 'of unknown modality'}'.",
            cause=str(series) + ".",
            remedy="BoneSeg is made for CT; go on all the same with --force.",
        )
    return series


def _listing(found: tuple[Series, ...]) -> str:
    return "; ".join(str(series) for series in found) + "."


def _series(uid: str, members: list[Slice]) -> Series:
    """The largest group of parallel slices; a scout often shares the series of its volume."""
    groups: list[list[Slice]] = []
    for one in members:
        group = next((group for group in groups if one.is_parallel_to(group[0])), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    kept = max(groups, key=len)
    return Series(uid, tuple(kept), strays=len(members) - len(kept))
