"""The DICOM series of a folder: found, described and chosen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from BoneSegLib.errors import InputError, NeedsConfirmation

# Fewer slices are a localizer or a single picture, not a volume of bones.
FEWEST_SLICES = 8
# Direction cosines are written with few digits.
_SAME_DIRECTION = 0.01
_DICOM_UID = b"1.2.840.10008."
_CT_STORAGE = (b"1.2.840.10008.5.1.4.1.1.2\0", b"1.2.840.10008.5.1.4.1.1.2.1\0")


@dataclass(frozen=True)
class Slice:
    """One DICOM image: its file, where it lies (LPS mm, direction 3x3 with axes as columns) and what it says."""

    path: Path
    uid: str
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]
    modality: str = ""
    description: str = ""
    image_type: str = ""
    instance: str = ""
    acquisition: str = ""

    def is_parallel_to(self, other: Slice) -> bool:
        """Whether both can be slices of one volume."""
        turned = np.abs(np.subtract(self.direction, other.direction)).max()
        same_pixels = self.size[:2] == other.size[:2] and np.allclose(self.spacing[:2], other.spacing[:2], rtol=1e-3)
        return bool(same_pixels and turned < _SAME_DIRECTION)

    @property
    def normal(self) -> np.ndarray:
        return np.asarray(self.direction).reshape(3, 3)[:, 2]

    @property
    def frames(self) -> int:
        return self.size[2] if len(self.size) > 2 else 1


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
        elif _should_be_ct(file):
            damaged.append(file)
    if damaged:
        raise InputError(
            f"{len(damaged)} of {len(damaged) + len(slices)} DICOM images are damaged or cut off.",
            cause=f"The first one is '{damaged[0].name}'.",
            remedy="Copy or export the series again.",
        )
    if not slices:
        raise InputError(f"No DICOM images in '{folder.name}'.", remedy="Give the folder that holds the series.")
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


def is_dicom(file: Path) -> bool:
    """By its preamble, or by its name, since files without one and stumps of files exist."""
    if file.name.upper() == "DICOMDIR":
        return False
    if file.suffix.lower() == ".dcm":
        return True
    with file.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def read_slice(file: Path) -> Slice | None:
    """What the header says; ``None`` when the file holds no image, or none that can be read."""
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(file))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return None

    def tag(key: str) -> str:
        return reader.GetMetaData(key).strip(" \0") if reader.HasMetaDataKey(key) else ""

    return Slice(
        path=file,
        uid=tag("0020|000e"),
        size=tuple(reader.GetSize()),
        spacing=tuple(reader.GetSpacing()),
        origin=tuple(reader.GetOrigin()),
        direction=tuple(reader.GetDirection()),
        modality=tag("0008|0060"),
        description=tag("0008|103e"),
        image_type=tag("0008|0008"),
        instance=tag("0020|0013"),
        acquisition=tag("0020|0012"),
    )


def _should_be_ct(file: Path) -> bool:
    """Whether an unreadable file is a damaged CT image by its head, or too damaged to say (and no report or plan)."""
    with file.open("rb") as stream:
        head = stream.read(1024)
    return any(kind in head for kind in _CT_STORAGE) or _DICOM_UID not in head
