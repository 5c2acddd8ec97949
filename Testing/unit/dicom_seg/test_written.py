"""DICOM segmentations as other programs read them: rules of the standard, references, codes, colours, voxels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BoneSegLib.anatomy import STRUCTURES, foreign_structure
from BoneSegLib.dicom_seg.write import write_dicom_seg
from BoneSegLib.errors import InputError, MissingError, OutputError
from Testing.support.dicom_rules import violations
from Testing.unit.dicom_seg.series import INFO, UID, Scan, axial, oblique, scan, tilted

highdicom = pytest.importorskip("highdicom")
pydicom = pytest.importorskip("pydicom")
GRIDS = pytest.mark.parametrize("grid", [axial, oblique, tilted])
FRAME_OF_REFERENCE = "1.2.826.0.1.3680043.2.1143.9"


def written(ct: Scan, tmp_path):
    return pydicom.dcmread(write_dicom_seg(ct.labels, tmp_path / "bones.dcm", ct.files))


@GRIDS
def test_every_attribute_that_the_standard_demands_is_there(tmp_path, grid, monkeypatch):
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.RAISE)
    assert violations(written(scan(tmp_path / "ct", grid()), tmp_path)) == []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda data: data.__delattr__("FrameOfReferenceUID"), "FrameOfReferenceUID is missing"),
        (lambda data: setattr(data, "DeviceSerialNumber", ""), "DeviceSerialNumber is empty"),
        (lambda data: data.SegmentSequence.pop(), "refers to a segment that is not there"),
        (lambda data: setattr(data, "PixelData", data.PixelData[:-2]), "bytes of pixels"),
        (lambda data: data.PerFrameFunctionalGroupsSequence.pop(), "functional groups"),
    ],
)
def test_the_check_of_the_rules_finds_what_is_wrong(tmp_path, spoil, told):
    ct = scan(tmp_path / "ct", axial())
    only = tuple(one for one in STRUCTURES if one.id in ("hip_left", "sacrum", "vertebra_L1"))
    data = written(replace(ct, labels=replace(ct.labels, structures=only)), tmp_path)
    spoil(data)
    assert any(told in text for text in violations(data))


@GRIDS
def test_highdicom_reads_the_labels_back_slice_by_slice(tmp_path, grid):
    ct = scan(tmp_path / "ct", grid())
    path = write_dicom_seg(ct.labels, tmp_path / "bones.dcm", ct.files)
    uids = [pydicom.dcmread(file, stop_before_pixels=True).SOPInstanceUID for file in ct.files]
    read = highdicom.seg.segread(path)
    planes = read.get_pixels_by_source_instance(
        uids, combine_segments=True, assert_missing_frames_are_empty=True, relabel=False
    )
    assert np.array_equal(planes, ct.labels.array)


@GRIDS
def test_patient_study_and_frame_of_reference_are_those_of_the_images(tmp_path, grid):
    ct = scan(tmp_path / "ct", grid())
    data = written(ct, tmp_path)
    image = pydicom.dcmread(ct.files[0])
    assert data.FrameOfReferenceUID == image.FrameOfReferenceUID == FRAME_OF_REFERENCE
    assert data.StudyInstanceUID == image.StudyInstanceUID
    assert data.SeriesInstanceUID != image.SeriesInstanceUID
    (series,) = data.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == UID
    assert len(series.ReferencedInstanceSequence) == len(ct.files)


@GRIDS
def test_every_frame_refers_to_the_image_that_lies_in_its_place(tmp_path, grid):
    ct = scan(tmp_path / "ct", grid())
    places = {}
    for file in ct.files:
        image = pydicom.dcmread(file)
        places[image.SOPInstanceUID] = image.ImagePositionPatient
    frames = written(ct, tmp_path).PerFrameFunctionalGroupsSequence
    assert len(frames) == 9 + 2 + 9, "frames without voxels are left out"
    for frame in frames:
        (source,) = frame.DerivationImageSequence[0].SourceImageSequence
        assert np.allclose(
            places[source.ReferencedSOPInstanceUID], frame.PlanePositionSequence[0].ImagePositionPatient, atol=1e-6
        )


def test_segments_have_the_names_codes_sides_and_colours_of_the_bones(tmp_path):
    data = written(scan(tmp_path / "ct", axial()), tmp_path)
    assert len(data.SegmentSequence) == len(STRUCTURES), "empty ones too: they were looked for"
    for structure, segment in zip(STRUCTURES, data.SegmentSequence, strict=True):
        assert segment.SegmentLabel == structure.name
        (kind,) = segment.SegmentedPropertyTypeCodeSequence
        assert (kind.CodeValue, kind.CodingSchemeDesignator) == (structure.code[0], "SCT")
        assert segment.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "123037004"
        sides = {one.CodeMeaning for one in kind.get("SegmentedPropertyTypeModifierCodeSequence", ())}
        assert sides == ({structure.side.capitalize()} if structure.side else set())
        color = _rgb(segment.RecommendedDisplayCIELabValue)
        assert np.abs(np.subtract(color, structure.color)).max() <= 2, structure.id
        assert segment.SegmentAlgorithmType == "AUTOMATIC"
        assert segment.SegmentAlgorithmName == INFO["model"]


def _rgb(encoded) -> np.ndarray:
    """sRGB 0-255 of CIELab as DICOM stores it (PS3.3, C.10.7.1.1), by the formulas of CIE 15 and IEC 61966-2-1.

    White is D65, as highdicom, dcmqi and so Slicer have it; the standard speaks of D50, which nobody does.
    """
    lightness, a, b = (np.asarray(encoded, float) / 65535) * (100, 255, 255) - (0, 128, 128)
    y = (lightness + 16) / 116
    terms = np.array([y + a / 500, y, y - b / 200])
    xyz = np.where(terms > 6 / 29, terms**3, 3 * (6 / 29) ** 2 * (terms - 4 / 29)) * (0.9505, 1.0, 1.0889)
    matrix = [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
    linear = np.clip(np.array(matrix) @ xyz, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_structures_of_a_model_for_other_anatomy_get_codes_of_our_own_scheme(tmp_path):
    ct = scan(tmp_path / "ct", axial())
    foreign = tuple(foreign_structure(label, name) for label, name in ((1, "ball"), (3, "bar"), (6, "box")))
    data = written(replace(ct, labels=replace(ct.labels, structures=foreign)), tmp_path)
    assert violations(data) == []
    kinds = [segment.SegmentedPropertyTypeCodeSequence[0] for segment in data.SegmentSequence]
    assert [(kind.CodeValue, kind.CodingSchemeDesignator) for kind in kinds] == [
        ("label1", "99BONESEG"),
        ("label3", "99BONESEG"),
        ("label6", "99BONESEG"),
    ]


def test_a_series_with_a_filled_gap_is_referred_to_as_a_whole(tmp_path):
    ct = scan(tmp_path / "ct", axial(), leave_out=(4,))
    data = written(ct, tmp_path)
    assert violations(data) == []
    assert len(data.PerFrameFunctionalGroupsSequence) == 20
    (series,) = data.ReferencedSeriesSequence
    assert len(series.ReferencedInstanceSequence) == len(ct.files) == len(ct.labels.array) - 1


def test_a_distance_of_slices_that_the_images_tell_wrongly_is_not_passed_on(tmp_path):
    ct = scan(tmp_path / "ct", axial())
    for file in ct.files:
        image = pydicom.dcmread(file)
        image.SpacingBetweenSlices, image.SliceThickness = 1, 5
        image.ImageOrientationPatient = [1, 1e-7 * int(image.InstanceNumber), 0, 0, 1, 0]
        image.save_as(file)
    measures = written(ct, tmp_path).SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert (float(measures.SpacingBetweenSlices), float(measures.SliceThickness)) == (2.5, 5.0)


def test_a_filled_gap_under_a_tilted_gantry_is_refused_and_leaves_no_file(tmp_path):
    ct = scan(tmp_path / "ct", tilted(), leave_out=(4,))
    with pytest.raises(InputError, match="tilted"):
        written(ct, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ct"]


def test_a_result_without_any_bone_is_written_and_valid(tmp_path):
    ct = scan(tmp_path / "ct", axial())
    empty = replace(ct.labels, array=np.zeros_like(ct.labels.array))
    data = written(replace(ct, labels=empty), tmp_path)
    assert violations(data) == []
    assert not any(data.PixelData)


def test_images_that_are_no_dicom_and_other_suffixes_are_told(tmp_path):
    ct = scan(tmp_path / "ct", axial())
    with pytest.raises(InputError, match="belongs to DICOM images"):
        write_dicom_seg(ct.labels, tmp_path / "bones.dcm", ())
    with pytest.raises(OutputError):
        write_dicom_seg(ct.labels, tmp_path / "bones.seg", ct.files)


def test_images_without_a_frame_of_reference_are_told(tmp_path):
    ct = scan(tmp_path / "ct", axial())
    image = pydicom.dcmread(ct.files[0])
    del image.FrameOfReferenceUID
    image.save_as(ct.files[0])
    with pytest.raises(InputError, match="FrameOfReferenceUID"):
        write_dicom_seg(ct.labels, tmp_path / "bones.dcm", ct.files)


def test_without_highdicom_the_error_says_what_to_install(tmp_path, monkeypatch):
    ct = scan(tmp_path / "ct", axial())
    monkeypatch.setitem(__import__("sys").modules, "highdicom", None)
    with pytest.raises(MissingError, match="pip install"):
        write_dicom_seg(ct.labels, tmp_path / "bones.dcm", ct.files)
