"""DICOM segmentations read: our own and those of other programs give the labels, in their place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from BoneSegLib.anatomy import BY_ID, STRUCTURES, foreign_structure
from BoneSegLib.dicom_seg.read import read_dicom_seg
from BoneSegLib.dicom_seg.write import write_dicom_seg
from BoneSegLib.errors import InputError
from BoneSegLib.headless.read import read_labelmap, read_volume
from BoneSegLib.headless.write import write_labelmap
from BoneSegLib.volume import LabelMap
from Testing.unit.dicom_seg.series import Scan, axial, oblique, scan, tilted

highdicom = pytest.importorskip("highdicom")
pydicom = pytest.importorskip("pydicom")
GRIDS = pytest.mark.parametrize("grid", [axial, oblique, tilted])


def on_grid_of(read: LabelMap, whole: LabelMap) -> np.ndarray:
    """The labels that were read, on the whole grid that they were cut from; they must lie on its voxels."""
    start = np.linalg.inv(whole.geometry.ijk_to_ras) @ np.append(read.geometry.origin, 1.0)
    assert np.abs(start[:3] - np.rint(start[:3])).max() < 1e-3
    matrices = (read.geometry.ijk_to_ras[:3, :3], whole.geometry.ijk_to_ras[:3, :3])
    assert np.allclose(*matrices, atol=1e-4)
    i, j, k = np.rint(start[:3]).astype(int)
    assert (i, j) == (0, 0)
    result = np.zeros_like(whole.array)
    result[k : k + len(read.array)] = read.array
    return result


def write(ct: Scan, tmp_path: Path) -> Path:
    return write_dicom_seg(ct.labels, tmp_path / "bones.dcm", ct.files)


@GRIDS
def test_what_was_written_is_read_back_voxel_by_voxel(tmp_path, grid):
    ct = scan(tmp_path / "ct", grid())
    read = read_labelmap(write(ct, tmp_path))
    assert np.array_equal(on_grid_of(read, ct.labels), ct.labels.array)


def test_simpleitk_finds_the_same_labels_on_the_images_of_the_series(tmp_path):
    ct = scan(tmp_path / "ct", oblique())
    labels = read_labelmap(write(ct, tmp_path))
    image = SimpleITK.ReadImage([str(path) for path in ct.files])
    converted = SimpleITK.ReadImage(str(write_labelmap(labels, tmp_path / "bones.nrrd")))
    back = SimpleITK.Resample(converted, image, SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor)
    assert np.array_equal(SimpleITK.GetArrayFromImage(back), ct.labels.array)


def test_empty_slices_between_those_of_a_bone_stay_empty(tmp_path):
    ct = scan(tmp_path / "ct", axial())
    array = np.zeros_like(ct.labels.array)
    array[[1, 4, 10]] = BY_ID["sacrum"].label
    ct = replace(ct, labels=replace(ct.labels, array=array))
    read = read_labelmap(write(ct, tmp_path))
    assert np.array_equal(np.flatnonzero(read.array.any(axis=(1, 2))), [0, 3, 9])
    assert np.array_equal(on_grid_of(read, ct.labels), array)


@pytest.mark.parametrize("kind", ["LABELMAP", "FRACTIONAL", "BINARY"])
def test_the_kinds_of_segmentations_that_other_programs_write_are_read(tmp_path, kind):
    ct = scan(tmp_path / "ct", axial())
    codes = highdicom.sr.CodedConcept
    names = ("Left hip bone", "Something else", "L1 vertebra")
    described = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes("123037004", "SCT", "Anatomical Structure"),
            segmented_property_type=codes("272673000", "SCT", "Bone"),
            algorithm_type="MANUAL",
        )
        for number, name in enumerate(names, start=1)
    ]
    numbers = np.zeros_like(ct.labels.array)
    for number, label in ((1, 1), (2, 3), (3, 6)):
        numbers[ct.labels.array == label] = number
    path = tmp_path / "other.dcm"
    highdicom.seg.Segmentation(
        source_images=[pydicom.dcmread(file) for file in _with_thickness(ct.files)],
        pixel_array=numbers,
        segmentation_type=kind,
        segment_descriptions=described,
        series_instance_uid=highdicom.UID(),
        series_number=2,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="Other",
        manufacturer_model_name="Other",
        software_versions="1",
        device_serial_number="1",
    ).save_as(path)
    told: list[str] = []
    read = read_dicom_seg(path, warn=told.append)
    expected = np.where(ct.labels.array == BY_ID["sacrum"].label, 0, ct.labels.array)
    assert np.array_equal(on_grid_of(read, ct.labels), expected)
    assert any("Something else" in text for text in told)


def _with_thickness(files) -> tuple[Path, ...]:
    for file in files:
        image = pydicom.dcmread(file)
        image.SliceThickness = 2.5
        for name in ("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "PatientID", "PatientName"):
            setattr(image, name, image.get(name, ""))
        image.save_as(file)
    return files


def test_structures_without_codes_are_known_by_their_names(tmp_path):
    ct = scan(tmp_path / "ct", axial())
    foreign = tuple(foreign_structure(label, name) for label, name in ((1, "ball"), (3, "bar"), (6, "box")))
    ct = replace(ct, labels=replace(ct.labels, structures=foreign))
    read = read_dicom_seg(write(ct, tmp_path), structures=foreign, warn=pytest.fail)
    assert np.array_equal(on_grid_of(read, ct.labels), ct.labels.array)


def test_an_image_a_text_and_a_segmentation_without_our_bones_are_told(tmp_path):
    ct = scan(tmp_path / "ct", axial())
    with pytest.raises(InputError, match="no DICOM segmentation"):
        read_labelmap(ct.files[0])
    (tmp_path / "text.dcm").write_text("not an image")
    with pytest.raises(InputError, match="cannot be read as DICOM"):
        read_labelmap(tmp_path / "text.dcm")
    others = (foreign_structure(1, "liver"),)
    ct = replace(ct, labels=LabelMap((ct.labels.array == 1).astype(np.uint8), ct.labels.geometry, others))
    with pytest.raises(InputError, match="Liver"):
        read_labelmap(write(ct, tmp_path))


def test_a_segmentation_beside_its_images_does_not_disturb_their_reading(tmp_path):
    ct = scan(tmp_path / "ct", axial())
    write_dicom_seg(ct.labels, tmp_path / "ct" / "bones.dcm", ct.files)
    volume = read_volume(tmp_path / "ct", warn=pytest.fail)
    assert volume.geometry.matches(ct.labels.geometry)


def test_a_bone_is_known_by_its_code_and_side_whatever_it_is_called(tmp_path):
    ct = scan(tmp_path / "ct", axial())
    path = write(ct, tmp_path)
    data = pydicom.dcmread(path)
    for number, segment in enumerate(data.SegmentSequence):
        segment.SegmentLabel = f"Segment_{number}"
    data.save_as(path)
    read = read_dicom_seg(path, structures=STRUCTURES, warn=pytest.fail)
    assert np.array_equal(on_grid_of(read, ct.labels), ct.labels.array)
