"""What PS3.3 demands of a Segmentation object, attribute by attribute, as a validator would check it."""

from __future__ import annotations

from typing import Any

from pydicom.datadict import dictionary_VR

# Module (its section in PS3.3), attribute, type: 1 there and not empty, 2 there.
MODULES: dict[str, dict[str, str]] = {
    "Patient (C.7.1.1)": {"PatientName": "2", "PatientID": "2", "PatientBirthDate": "2", "PatientSex": "2"},
    "General Study (C.7.2.1)": {
        "StudyInstanceUID": "1",
        "StudyDate": "2",
        "StudyTime": "2",
        "ReferringPhysicianName": "2",
        "StudyID": "2",
        "AccessionNumber": "2",
    },
    "Segmentation Series (C.8.20.1)": {"Modality": "1", "SeriesInstanceUID": "1", "SeriesNumber": "1"},
    "Frame of Reference (C.7.4.1)": {"FrameOfReferenceUID": "1", "PositionReferenceIndicator": "2"},
    "Enhanced General Equipment (C.7.5.2)": {
        "Manufacturer": "1",
        "ManufacturerModelName": "1",
        "DeviceSerialNumber": "1",
        "SoftwareVersions": "1",
    },
    "General Image (C.7.6.1)": {"InstanceNumber": "1", "ContentDate": "1", "ContentTime": "1"},
    "Image Pixel (C.7.6.3)": {
        "SamplesPerPixel": "1",
        "PhotometricInterpretation": "1",
        "Rows": "1",
        "Columns": "1",
        "BitsAllocated": "1",
        "BitsStored": "1",
        "HighBit": "1",
        "PixelRepresentation": "1",
        "PixelData": "1",
    },
    "Segmentation Image (C.8.20.2)": {
        "ImageType": "1",
        "ContentLabel": "1",
        "ContentDescription": "2",
        "ContentCreatorName": "2",
        "LossyImageCompression": "1",
        "SegmentationType": "1",
        "SegmentsOverlap": "1",
        "SegmentSequence": "1",
    },
    "Multi-frame Functional Groups (C.7.6.16)": {
        "SharedFunctionalGroupsSequence": "1",
        "PerFrameFunctionalGroupsSequence": "1",
        "NumberOfFrames": "1",
    },
    "Multi-frame Dimension (C.7.6.17)": {"DimensionOrganizationSequence": "1", "DimensionIndexSequence": "1"},
    "Common Instance Reference (C.12.2)": {"ReferencedSeriesSequence": "1"},
    "SOP Common (C.12.1)": {"SOPClassUID": "1", "SOPInstanceUID": "1"},
}
SEGMENT = {
    "SegmentNumber": "1",
    "SegmentLabel": "1",
    "SegmentAlgorithmType": "1",
    "SegmentAlgorithmName": "1",
    "SegmentedPropertyCategoryCodeSequence": "1",
    "SegmentedPropertyTypeCodeSequence": "1",
}
CODE = {"CodeValue": "1", "CodingSchemeDesignator": "1", "CodeMeaning": "1"}
# Functional groups of a frame, its own or shared ones, and what each must say.
GROUPS = {
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PlanePositionSequence": ("ImagePositionPatient",),
    "SegmentIdentificationSequence": ("ReferencedSegmentNumber",),
    "FrameContentSequence": ("DimensionIndexValues",),
}
BINARY = {
    "Modality": "SEG",
    "SegmentationType": "BINARY",
    "BitsAllocated": 1,
    "BitsStored": 1,
    "HighBit": 0,
    "PixelRepresentation": 0,
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "LossyImageCompression": "00",
}


def violations(data: Any) -> list[str]:
    """What is wrong with a binary segmentation, in words; empty when nothing is."""
    found = [text for name, wanted in MODULES.items() for text in _missing(data, wanted, name)]
    found += [f"{name} is {data.get(name)}, not {value}" for name, value in BINARY.items() if data.get(name) != value]
    numbers = [int(segment.SegmentNumber) for segment in data.SegmentSequence]
    if numbers != list(range(1, len(numbers) + 1)):
        found.append(f"segments are numbered {numbers}")
    for segment in data.SegmentSequence:
        found += _missing(segment, SEGMENT, f"segment {segment.SegmentNumber}")
        for name in ("SegmentedPropertyCategoryCodeSequence", "SegmentedPropertyTypeCodeSequence"):
            found += _missing(segment.get(name)[0], CODE, f"segment {segment.SegmentNumber}, {name}")
    found += _frames(data, numbers)
    found += _uids(data)
    return found


def _frames(data: Any, numbers: list[int]) -> list[str]:
    frames = data.PerFrameFunctionalGroupsSequence
    found = []
    if len(frames) != data.NumberOfFrames:
        found.append(f"{len(frames)} functional groups for {data.NumberOfFrames} frames")
    bits = int(data.NumberOfFrames) * data.Rows * data.Columns
    length = -(-bits // 8)
    if len(data.PixelData) != length + length % 2:
        found.append(f"{len(data.PixelData)} bytes of pixels for {bits} bits")
    shared = data.SharedFunctionalGroupsSequence[0]
    indices = len(data.DimensionIndexSequence)
    for number, frame in enumerate(frames, start=1):
        for name, wanted in GROUPS.items():
            if (name in frame) == (name in shared):
                found.append(f"frame {number}: {name} must be there once, its own or shared")
                continue
            item = (frame.get(name) or shared.get(name))[0]
            found += _missing(item, dict.fromkeys(wanted, "1"), f"frame {number}, {name}")
        if frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber not in numbers:
            found.append(f"frame {number} refers to a segment that is not there")
        if len(frame.FrameContentSequence[0].DimensionIndexValues) != indices:
            found.append(f"frame {number} has not one index for each dimension")
    return found


def _missing(data: Any, wanted: dict[str, str], where: str) -> list[str]:
    found = []
    for name, kind in wanted.items():
        if name not in data:
            found.append(f"{where}: {name} is missing")
        elif kind == "1" and data[name].is_empty:
            found.append(f"{where}: {name} is empty")
        elif data[name].VR not in dictionary_VR(name).split(" or "):
            found.append(f"{where}: {name} is of kind {data[name].VR}")
    return found


def _uids(data: Any) -> list[str]:
    elements = (element for element in data.iterall() if element.VR == "UI")
    found = [f"{element.keyword} is no UID" for element in elements if not element.value.is_valid]
    if data.file_meta.MediaStorageSOPInstanceUID != data.SOPInstanceUID:
        found.append("the file's head names another object")
    return found
