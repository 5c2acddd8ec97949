"""A label map as a DICOM Segmentation object."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from BoneSegLib._version import __version__
from BoneSegLib.dicom_seg.packages import require
from BoneSegLib.dicom_seg.segments import describe
from BoneSegLib.dicom_seg.source import align, in_slice_order, read_headers
from BoneSegLib.errors import InputError
from BoneSegLib.headless.atomic import check_writable, replacing
from BoneSegLib.volume import Geometry, LabelMap

SUFFIXES = (".dcm",)
_SHEARED_DEGREES = 0.1
_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def require_source(files: Sequence[Path]) -> None:
    """Raises what `write_dicom_seg` would raise for want of packages or images, before a long run."""
    require("highdicom")
    if not files:
        raise InputError(
            "A DICOM segmentation belongs to DICOM images, and this image is none.",
            remedy="Name the DICOM series that the image was made of, with --dicom FOLDER; or write a .seg.nrrd.",
        )
    read_headers(files[:1])


def write_dicom_seg(labels: LabelMap, path: str | Path, files: Sequence[Path]) -> Path:
    """Writes labels (kji) as a binary DICOM Segmentation that refers to the images in ``files``, one CT series.

    Patient, study and frame of reference are those of the images. Each structure is a segment, also where it has no
    voxels; slices without voxels are left out of the file, as usual. Every frame refers to the image it lies on, or
    the whole to the series where missing slices were filled in.

    Raises `InputError` without DICOM images or for labels that cannot be stored, `MissingError` without highdicom,
    `OutputError`.
    """
    path = check_writable(path, SUFFIXES)
    require_source(files)
    headers = read_headers(files)
    with replacing(path) as temporary, warnings.catch_warnings():
        # highdicom warns of images that it completes and of segments without voxels, neither of which is wrong.
        warnings.simplefilter("ignore")
        _make(labels, headers).save_as(temporary, enforce_file_format=True)
    return path


def _make(labels: LabelMap, headers: Sequence[Any]) -> Any:
    highdicom = require("highdicom")
    align(headers, labels.geometry)
    matched = in_slice_order(headers, labels.geometry)
    pixels = _numbered(labels)
    uid = highdicom.UID
    segmentation = highdicom.seg.Segmentation(
        source_images=matched or headers,
        pixel_array=pixels if matched else _placed(pixels, labels.geometry, headers[0].FrameOfReferenceUID),
        segmentation_type="BINARY",
        segment_descriptions=describe(labels.structures, labels.info),
        series_instance_uid=uid(),
        series_number=1000 + int(headers[0].get("SeriesNumber") or 0),
        sop_instance_uid=uid(),
        instance_number=1,
        manufacturer="BoneSeg",
        manufacturer_model_name="BoneSeg",
        software_versions=__version__,
        device_serial_number=str(labels.info.get("model_sha256") or __version__)[:64],
        content_label="BONES",
        content_description="Bones segmented in CT, not for clinical use",
        series_description="BoneSeg: bones",
        omit_empty_frames=bool(pixels.any()),
    )
    # Of type 2, and highdicom leaves it out when no person is named.
    segmentation.ContentCreatorName = ""
    return segmentation


def _numbered(labels: LabelMap) -> np.ndarray:
    """Segment numbers, which must run from 1 without gaps, in the place of label values."""
    table = np.zeros(256, np.uint8)
    for number, structure in enumerate(labels.structures, start=1):
        table[structure.label] = number
    return table[labels.array]


def _placed(pixels: np.ndarray, geometry: Geometry, frame_of_reference: str) -> Any:
    """The same with its own place in space, for slices that do not coincide with the images."""
    if geometry.shear_degrees > _SHEARED_DEGREES:
        raise InputError(
            "This segmentation cannot be stored as DICOM.",
            cause="Its slices lie between the images of a tilted gantry.",
            remedy="Write a .seg.nrrd.",
        )
    highdicom = require("highdicom")
    # highdicom counts slices, rows, columns; the columns of its matrix are in this order.
    affine = (_TO_LPS @ geometry.ijk_to_ras)[:, [2, 1, 0, 3]]
    return highdicom.Volume(pixels, affine, coordinate_system="PATIENT", frame_of_reference_uid=frame_of_reference)
