"""An image file as a `Volume`, on the grid that the file has; every way in which it can be unusable is told."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from BoneSegLib.errors import InputError
from BoneSegLib.headless.names import NOT_UNICODE, is_unicode, shown
from BoneSegLib.headless.nifti import read_nifti
from BoneSegLib.headless.nrrd_fields import require_readable_header
from BoneSegLib.headless.plain_numbers import plain_numbers
from BoneSegLib.scene.usable import GIVE_CT, compact, require_numbers, require_solid
from BoneSegLib.volume import Geometry, Volume

NIFTI_SUFFIXES = (".nii", ".nii.gz")
ITK_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
IMAGE_SUFFIXES = NIFTI_SUFFIXES + ITK_SUFFIXES
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@plain_numbers()
def read_image(path: str | Path) -> Volume:
    """Reads .nii, .nii.gz, .nrrd, .nhdr, .mha or .mhd.

    Raises `InputError` for a file that is missing, empty, cut off, of another kind, not 3D, coloured, or with values
    that are not numbers.
    """
    path = require_file(path)
    if path.name.lower().endswith(NIFTI_SUFFIXES):
        array, geometry = read_nifti(path)
    elif path.name.lower().endswith(ITK_SUFFIXES):
        array, geometry = _read_with_itk(path)
    else:
        raise InputError(f"'{path.name}' is of a kind that is not read here.", remedy=GIVE_CT)
    require_solid(geometry, path.name)
    array = compact(array)
    require_numbers(array, path.name)
    return Volume(array, geometry, name=stem(path))


def require_file(path: str | Path) -> Path:
    path = Path(path)
    if not is_unicode(path):
        raise InputError(f"The name '{shown(path)}' cannot be read.", cause=NOT_UNICODE, remedy="Rename the file.")
    if not path.exists():
        raise InputError(f"'{path}' does not exist.", remedy="Check how the path is spelled.")
    if not path.is_file():
        raise InputError(f"'{path.name}' is not a file.", remedy=GIVE_CT)
    if path.stat().st_size == 0:
        raise InputError(f"'{path.name}' is empty.", remedy="Copy or download the file again.")
    return path


@plain_numbers()
def require_whole_nrrd(path: Path) -> None:
    """Raises `InputError` unless the file is an NRRD with all its voxels, of any kind and dimension."""
    import SimpleITK

    require_readable_header(path, names=True)
    try:
        SimpleITK.ReadImage(str(path), imageIO="NrrdImageIO")
    except RuntimeError as error:
        raise InputError(
            f"'{path.name}' is damaged or cut off.", cause=itk_cause(error), remedy="Copy or write the file again."
        ) from error


def stem(path: Path) -> str:
    """The file's name without its suffix, .nii.gz and .seg.nrrd counted as one."""
    name = path.name
    for suffix in (".nii.gz", ".seg.nrrd", ".seg.nhdr"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem


def _read_with_itk(path: Path) -> tuple[np.ndarray, Geometry]:
    import SimpleITK

    if path.name.lower().endswith((".nrrd", ".nhdr")):
        require_readable_header(path)
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(f"'{path.name}' is not an image.", cause=itk_cause(error), remedy=GIVE_CT) from error
    size = reader.GetSize()
    if reader.GetNumberOfComponents() > 1:
        raise InputError(
            f"'{path.name}' is a colour or vector image.",
            cause=f"It has {reader.GetNumberOfComponents()} values a voxel.",
            remedy=GIVE_CT,
        )
    if len(size) != 3 and any(n > 1 for n in size[3:]):
        raise InputError(
            f"'{path.name}' has {len(size)} dimensions: it is not one image.", remedy="Give one 3D volume of it."
        )
    if len(size) < 3:
        raise InputError(f"'{path.name}' is not a 3D image.", remedy=GIVE_CT)
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(
            f"'{path.name}' is damaged or cut off.", cause=itk_cause(error), remedy="Copy or download the file again."
        ) from error
    while image.GetDimension() > 3:
        image = image[..., 0]
    if "complex" in image.GetPixelIDTypeAsString():
        raise InputError(f"'{path.name}' holds complex numbers.", remedy=GIVE_CT)
    return array_of(image), geometry_of(image)


def array_of(image) -> np.ndarray:
    """The voxels of a SimpleITK image (kji), copied once and only once; CT of 32 bits becomes 16."""
    import SimpleITK

    view = SimpleITK.GetArrayViewFromImage(image)
    array = compact(view)
    return array.copy() if np.shares_memory(array, view) else array


def geometry_of(image) -> Geometry:
    """The RAS geometry of a 3D SimpleITK image or reader, whose own is LPS."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(image.GetDirection()).reshape(3, 3) * np.asarray(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    ni, nj, nk = image.GetSize()
    return Geometry((ni, nj, nk), _LPS_TO_RAS @ matrix)


def itk_cause(error: RuntimeError) -> str:
    """The telling line of ITK's report, without addresses and source files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith("[nrrd]")] or [line for line in lines if "ERROR: " in line]
    line = (telling or lines or [""])[-1]
    text = re.sub(r"^\w+\(0x[0-9a-f]+\): ", "", line.split("ERROR: ")[-1].removeprefix("[nrrd] "))
    return text if text.endswith((".", "!")) else f"{text}."
