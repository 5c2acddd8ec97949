"""The DICOM images that a segmentation refers to: their headers, and which of them is which slice of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from BoneSegLib.dicom_seg.packages import require
from BoneSegLib.errors import InputError
from BoneSegLib.volume import Geometry

# PS3.3: attributes of type 2, which must be there and may be empty. Anonymised images often lack them.
_MAY_BE_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
# Positions are written with two or three decimals.
_SAME_PLACE_MM = 0.02
_TO_LPS = np.diag([-1.0, -1.0, 1.0])


def read_headers(files: Sequence[Path]) -> list[Any]:
    """The headers (pydicom data sets without pixels) of the images, attributes of type 2 completed with nothing.

    Raises `InputError` where an image lacks what a segmentation must refer to, `MissingError` without pydicom.
    """
    pydicom = require("pydicom")
    headers = []
    for file in files:
        header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
        missing = [name for name in _NEEDED if not header.get(name)]
        if missing:
            raise InputError(
                "The DICOM images lack what a DICOM segmentation must refer to.",
                cause=f"'{file.name}' has no {', '.join(missing)}.",
                remedy="Export the series again without removing it, or write a .seg.nrrd.",
            )
        for name in _MAY_BE_EMPTY:
            if name not in header:
                setattr(header, name, "")
        headers.append(header)
    return headers


def require_same_place(image: Geometry, series: Geometry) -> None:
    """Raises `InputError` where an image lies wholly beside the series that it is said to be made of."""
    to_series = np.linalg.inv(series.ijk_to_ras)
    corners = image.corners() @ to_series[:3, :3].T + to_series[:3, 3]
    if (corners.max(axis=0) < -0.5).any() or (corners.min(axis=0) > np.asarray(series.size) - 0.5).any():
        raise InputError(
            "The image does not lie where the DICOM series does.",
            cause="Their boxes in the patient do not meet.",
            remedy="Give the series that the image was made of.",
        )


def align(headers: Sequence[Any], geometry: Geometry) -> None:
    """Makes the headers of a stack of slices agree with its grid, for what a segmentation copies from them.

    Real series tell a distance of slices that is not theirs, or none, and directions that differ in the last digit.
    """
    across, down, travel = geometry.ijk_to_ras[:3, :3].T
    normal = np.cross(across, down)
    distance = round(abs(float(travel @ normal)) / float(np.linalg.norm(normal)), 6)
    for header in headers:
        if "ImagePositionPatient" in header:
            header.ImageOrientationPatient = headers[0].ImageOrientationPatient
            header.SpacingBetweenSlices = distance
            header.SliceThickness = header.get("SliceThickness") or distance


def in_slice_order(headers: Sequence[Any], geometry: Geometry) -> list[Any] | None:
    """The image of each slice k of a grid; ``None`` where a slice is not exactly where an image is.

    That happens when missing slices were filled in, and with images of several frames.
    """
    places = [header.get("ImagePositionPatient") for header in headers]
    if any(place is None for place in places) or len(places) < geometry.size[2]:
        return None
    positions = np.asarray(places, dtype=float)
    matrix = _TO_LPS @ geometry.ijk_to_ras[:3]
    wanted = matrix[:, 3] + np.outer(np.arange(geometry.size[2]), matrix[:, 2])
    from scipy.spatial import cKDTree

    distances, nearest = cKDTree(positions).query(wanted)
    return [headers[index] for index in nearest] if distances.max() <= _SAME_PLACE_MM else None
