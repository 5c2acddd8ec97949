"""A DICOM series as a `Volume`: slices in order, tilt kept as shear, gaps filled and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from BoneSegLib.errors import InputError, NeedsConfirmation
from BoneSegLib.headless.dicom_series import Series
from BoneSegLib.headless.dicom_slice import Slice
from BoneSegLib.headless.image_file import array_of, geometry_of, itk_cause
from BoneSegLib.headless.plain_numbers import plain_numbers
from BoneSegLib.scene.usable import require_solid
from BoneSegLib.slice_steps import SAME_PLACE_MM, unevenness_of
from BoneSegLib.volume import Geometry, Volume

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


@plain_numbers()
def read_series(series: Series, *, force: bool = False, warn: Callable[[str], None]) -> Volume:
    """The voxels in HU (rescaled as the files say), on a regular grid.

    Slices are sorted along their normal. A tilted gantry gives a sheared grid, which keeps every voxel where it was
    taken. Missing or unevenly spaced slices are filled in linearly along the normal. ``warn`` is told of this, of
    slices that lie in the same place (one is kept) and of other images in the series.

    Raises `NeedsConfirmation` for gaps too wide to fill (unless ``force``), `InputError` for unreadable slices.
    """
    if series.strays:
        warn(f"{series.strays} images of the series do not lie parallel to the others and were left out.")
    if len(series.slices) == 1:
        return _read_one_file(series)
    slices, positions = _in_order(series, warn)
    if len(slices) < 2:
        raise InputError("The series has a single slice.", remedy="Give a CT volume.")
    _require_one_stack(slices, positions, force=force)
    array = _read_voxels(slices)
    array, step = _evenly_spaced(array, positions, force=force, warn=warn)
    first = slices[0]
    travel = _travel(slices, positions)
    axes = np.asarray(first.direction).reshape(3, 3)
    matrix = np.eye(4)
    columns = (axes[:, 0] * first.spacing[0], axes[:, 1] * first.spacing[1], travel * step)
    matrix[:3, :3] = _LPS_TO_RAS @ np.column_stack(columns)
    matrix[:3, 3] = _LPS_TO_RAS @ np.asarray(first.origin)
    geometry = Geometry((array.shape[2], array.shape[1], array.shape[0]), matrix)
    require_solid(geometry, series.description or "series")
    return Volume(array, geometry, name=series.description or "CT")


def _in_order(series: Series, warn: Callable[[str], None]) -> tuple[list[Slice], np.ndarray]:
    """One slice for each place, sorted along the normal, and their positions on it in mm."""
    normal = series.slices[0].normal

    def order(one: Slice) -> tuple[float, int, int]:
        return (float(normal @ np.asarray(one.origin)), _number(one.acquisition), _number(one.instance))

    kept: list[Slice] = []
    positions: list[float] = []
    for one in sorted(series.slices, key=order):
        position = float(normal @ np.asarray(one.origin))
        if positions and position - positions[-1] < SAME_PLACE_MM:
            continue
        kept.append(one)
        positions.append(position)
    dropped = len(series.slices) - len(kept)
    if dropped:
        warn(f"{dropped} slices lie where others do (several acquisitions in one series?); the first ones were used.")
    return kept, np.asarray(positions)


def _travel(slices: Sequence[Slice], positions: np.ndarray) -> np.ndarray:
    """How far the first voxel moves (LPS mm) for each mm along the normal; sideways too with a tilted gantry."""
    return np.subtract(slices[-1].origin, slices[0].origin) / (positions[-1] - positions[0])


def _require_one_stack(slices: Sequence[Slice], positions: np.ndarray, *, force: bool) -> None:
    """Raises `NeedsConfirmation` when slices do not lie in a line, as when two fields of view share a series."""
    straight = np.asarray(slices[0].origin) + np.outer(positions - positions[0], _travel(slices, positions))
    shift = float(np.linalg.norm([one.origin for one in slices] - straight, axis=1).max())
    if shift > max(slices[0].spacing[:2]) and not force:
        raise NeedsConfirmation(
            f"The slices are shifted sideways by up to {shift:.1f} mm.",
            cause="The series seems to hold several stacks.",
            remedy="Export them apart, or use --force.",
        )


def _evenly_spaced(
    array: np.ndarray, positions: np.ndarray, *, force: bool, warn: Callable[[str], None]
) -> tuple[np.ndarray, float]:
    """The slices on even steps, and the step in mm; interpolated only where they are not even already."""
    uneven = unevenness_of(positions)
    if uneven is None:
        return array, float(positions[-1] - positions[0]) / (len(positions) - 1)
    step = float(np.median(np.diff(positions)))
    if uneven.is_wide and not force:
        raise NeedsConfirmation(
            uneven.message,
            cause="Bones would be made up in the gap.",
            remedy="Export the whole series, or use --force.",
        )
    warn(f"{uneven.message} They were interpolated to {step:.2f} mm.")
    return _interpolate(array, positions, step), step


def _interpolate(array: np.ndarray, positions: np.ndarray, step: float) -> np.ndarray:
    """Linear along k, from ``positions`` to even steps; the type stays."""
    wanted = np.arange(positions[0], positions[-1] + step / 2, step)
    upper = np.clip(np.searchsorted(positions, wanted), 1, len(positions) - 1)
    shares = np.clip((wanted - positions[upper - 1]) / (positions[upper] - positions[upper - 1]), 0, 1)
    result = np.empty((len(wanted), *array.shape[1:]), array.dtype)
    for index, (above, share) in enumerate(zip(upper, shares, strict=True)):
        values = array[above - 1] * np.float32(1 - share) + array[above] * np.float32(share)
        result[index] = np.rint(values) if array.dtype.kind in "iu" else values
    return result


def _read_voxels(slices: Sequence[Slice]) -> np.ndarray:
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames([str(one.path) for one in slices])
    # ITK measures the spacing itself and warns of uneven slices; both are done here.
    noisy = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(
            "The DICOM series cannot be read.",
            cause=itk_cause(error),
            remedy="Export it again, uncompressed if possible.",
        ) from error
    finally:
        SimpleITK.ProcessObject.SetGlobalWarningDisplay(noisy)
    if image.GetNumberOfComponentsPerPixel() > 1:
        raise InputError("The series holds colour images.", remedy="Give a CT series.")
    return array_of(image)


def _read_one_file(series: Series) -> Volume:
    """An enhanced (multi-frame) object."""
    import SimpleITK

    only = series.slices[0]
    if only.frames < 2:
        raise InputError("The series has a single slice.", remedy="Give a CT volume.")
    image = SimpleITK.ReadImage(str(only.path), imageIO="GDCMImageIO")
    if image.GetNumberOfComponentsPerPixel() > 1:
        raise InputError("The series holds colour images.", remedy="Give a CT series.")
    geometry = geometry_of(image)
    require_solid(geometry, series.description or "series")
    return Volume(array_of(image), geometry, name=series.description or "CT")


def _number(text: str) -> int:
    return int(text) if text.lstrip("-").isdigit() else 0
