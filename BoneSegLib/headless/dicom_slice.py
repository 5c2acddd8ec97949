"""One DICOM image: whether a file is one, and what its header says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from BoneSegLib.headless.names import is_unicode
from BoneSegLib.headless.plain_numbers import plain_numbers

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


def is_dicom(file: Path) -> bool:
    """By its preamble, or by its name, since files without one and stumps of files exist."""
    if file.name.upper() == "DICOMDIR":
        return False
    if file.suffix.lower() == ".dcm":
        return True
    with file.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


@plain_numbers()
def read_slice(file: Path) -> Slice | None:
    """What the header says; ``None`` when the file holds no image, or none that can be read."""
    import SimpleITK

    if not is_unicode(file):
        return None
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


def should_be_ct(file: Path) -> bool:
    """Whether an unreadable file is a damaged CT image by its head, or too damaged to say (and no report or plan)."""
    with file.open("rb") as stream:
        head = stream.read(1024)
    return any(kind in head for kind in _CT_STORAGE) or _DICOM_UID not in head
