"""A DICOM Segmentation object, of whatever program, as a label map."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from BoneSegLib.anatomy import STRUCTURES, Structure
from BoneSegLib.dicom_seg.packages import require
from BoneSegLib.dicom_seg.segments import recognise
from BoneSegLib.errors import InputError
from BoneSegLib.volume import Geometry, LabelMap

SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"
_TO_RAS = np.diag([-1.0, -1.0, 1.0])
# Of the distance of slices; positions are written with few decimals.
_UNEVEN = 0.1


def read_dicom_seg(
    path: str | Path, *, structures: Sequence[Structure] = STRUCTURES, warn: Callable[[str], None]
) -> LabelMap:
    """The segments that stand for ``structures``, on the grid of the file (uint8 kji).

    Slices without voxels are mostly not in such files, so the grid reaches from the first slice with voxels to the
    last one. Fractional segments count from one half on; where segments overlap, the later one wins. ``warn`` is told
    of segments that are none of ``structures``. Raises `InputError`, `MissingError` without pydicom.
    """
    path = Path(path)
    data = _open(path)
    found, unknown = recognise(data.SegmentSequence, structures)
    if not found:
        raise InputError(
            f"'{path.name}' holds none of the bones asked for.", cause=f"Its segments are: {', '.join(unknown)}."
        )
    if unknown:
        warn(f"'{path.name}': the segments {', '.join(unknown)} stand for no structure and were left out.")
    geometry, slices = _grid(data, path.name)
    labels = np.zeros(geometry.shape, np.uint8)
    numbers = _segment_of_frames(data)
    for frame, k, number in zip(_frames(data), slices, numbers, strict=True):
        if number is None:
            for value, structure in found.items():
                labels[k][frame == value] = structure.label
        elif number in found:
            labels[k][frame] = found[number].label
    return LabelMap(labels, geometry, structures=tuple(structures))


def _open(path: Path) -> Any:
    pydicom = require("pydicom")
    try:
        data = pydicom.dcmread(path)
    except (pydicom.errors.InvalidDicomError, OSError, EOFError) as error:
        raise InputError(f"'{path.name}' cannot be read as DICOM.", cause=str(error)) from error
    if data.get("SOPClassUID") not in (SEGMENTATION_STORAGE, LABEL_MAP_STORAGE) or "PixelData" not in data:
        raise InputError(
            f"'{path.name}' is no DICOM segmentation.",
            cause=f"Its kind is '{getattr(data.get('SOPClassUID'), 'name', 'unknown')}'.",
            remedy="Give a DICOM segmentation, a .seg.nrrd or a label map.",
        )
    return data


def _frames(data: Any) -> Iterator[np.ndarray]:
    """The frames one by one: whether a voxel belongs to the frame's segment, or segment numbers of a label map.

    Binary ones are packed without padding between frames (PS3.5, 8.1.1), hundreds of megabytes if unpacked at once.
    """
    count, rows, columns = int(data.get("NumberOfFrames", 1)), int(data.Rows), int(data.Columns)
    if data.BitsAllocated == 1 and not data.file_meta.TransferSyntaxUID.is_compressed:
        packed = np.frombuffer(data.PixelData, np.uint8)
        for frame in range(count):
            first, last = frame * rows * columns, (frame + 1) * rows * columns
            bits = np.unpackbits(packed[first // 8 : -(-last // 8)], bitorder="little")
            yield bits[first % 8 :][: rows * columns].reshape(rows, columns).astype(bool)
        return
    pixels = data.pixel_array.reshape(count, rows, columns)
    half = int(data.get("MaximumFractionalValue", 1)) / 2
    yield from pixels if data.SOPClassUID == LABEL_MAP_STORAGE else pixels >= half


def _segment_of_frames(data: Any) -> list[int | None]:
    if data.SOPClassUID == LABEL_MAP_STORAGE:
        return [None] * len(data.PerFrameFunctionalGroupsSequence)
    groups = [_group(data, frame, "SegmentIdentificationSequence") for frame in data.PerFrameFunctionalGroupsSequence]
    return [int(group.ReferencedSegmentNumber) for group in groups]


def _group(data: Any, frame: Any, name: str) -> Any:
    """A functional group of a frame, its own or the one that all frames share."""
    shared = data.SharedFunctionalGroupsSequence[0]
    items = frame.get(name) or shared.get(name)
    if not items:
        raise InputError("The DICOM segmentation is incomplete.", cause=f"It has no {name}.")
    return items[0]


def _grid(data: Any, name: str) -> tuple[Geometry, list[int]]:
    """The grid of all frames in RAS, and the slice k of each of them."""
    frames = data.PerFrameFunctionalGroupsSequence
    orientations = np.array(
        [_group(data, one, "PlaneOrientationSequence").ImageOrientationPatient for one in frames], float
    )
    if np.abs(orientations - orientations[0]).max() > 1e-3:
        raise InputError(f"'{name}' holds slices of several directions.", remedy="Give one with parallel slices.")
    positions = np.array([_group(data, one, "PlanePositionSequence").ImagePositionPatient for one in frames], float)
    measures = _group(data, frames[0], "PixelMeasuresSequence")
    row, column = orientations[0].reshape(2, 3)
    along = positions @ np.cross(row, column)
    first, last = int(np.argmin(along)), int(np.argmax(along))
    step = _step(along, measures)
    slices = (along - along[first]) / step
    if np.abs(slices - np.rint(slices)).max() > _UNEVEN:
        raise InputError(f"The slices of '{name}' are not evenly spaced.", remedy="Export it on an even grid.")
    count = round(float(slices[last])) + 1
    travel = np.cross(row, column) * step
    if count > 1:
        # Not always along the normal: a tilted gantry shifts each slice sideways.
        travel = (positions[last] - positions[first]) / (count - 1)
    down, across = (float(value) for value in measures.PixelSpacing)
    matrix = np.eye(4)
    matrix[:3, :3] = _TO_RAS @ np.column_stack((row * across, column * down, travel))
    matrix[:3, 3] = _TO_RAS @ positions[first]
    size = (int(data.Columns), int(data.Rows), count)
    return Geometry(size, matrix), [round(float(one)) for one in slices]


def _step(along: np.ndarray, measures: Any) -> float:
    """The distance of neighbouring slices in mm: as the file says where that fits, or the smallest that occurs."""
    told = measures.get("SpacingBetweenSlices")
    places = np.unique(np.round(along, 3))
    if len(places) < 2:
        return float(told or measures.get("SliceThickness") or 1.0)
    gaps = np.diff(places)
    if told:
        counts = gaps / float(told)
        if np.abs(counts - np.rint(counts)).max() <= _UNEVEN and np.rint(counts).min() >= 1:
            return float(places[-1] - places[0]) / float(np.rint((places[-1] - places[0]) / float(told)))
    smallest = float(gaps.min())
    return float(places[-1] - places[0]) / float(np.rint((places[-1] - places[0]) / smallest))
