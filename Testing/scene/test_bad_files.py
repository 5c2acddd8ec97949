"""Each file that cannot be used is refused with its reason and a remedy, and leaves the scene as it was."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from BoneSegLib.errors import InputError
from BoneSegLib.headless.read import read_labelmap, read_segmentation, read_volume, read_volume_node
from BoneSegLib.headless.scenes import read_scene
from BoneSegLib.volume import Geometry, LabelMap

SIZE = (12, 14, 16)


def an_image(*, dtype=np.int16, size=SIZE, seed: int = 0):
    values = np.random.default_rng(seed).integers(-1000, 1000, size[::-1])
    return SimpleITK.GetImageFromArray(values.astype(dtype))


def refusal(path: Path) -> InputError:
    """The error that reading ends with, after a look that it helps and that the scene is untouched."""
    import slicer

    from BoneSegLib.headless import ensure_runtime

    ensure_runtime()
    before = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(InputError) as caught:
        read_volume_node(path)
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert caught.value.exit_code == 3
    assert caught.value.message and caught.value.remedy
    return caught.value


def cut(source: Path, target: Path, share: float) -> Path:
    content = source.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target


def test_a_missing_file_is_told(a_scene, tmp_path):
    assert "does not exist" in refusal(tmp_path / "none.nii.gz").message


def test_an_empty_file_is_told(a_scene, tmp_path):
    (tmp_path / "ct.nii.gz").touch()
    assert "is empty" in refusal(tmp_path / "ct.nii.gz").message


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.dcm", "a.txt", "a"])
def test_a_file_that_is_no_image_is_told(a_scene, tmp_path, name):
    (tmp_path / name).write_bytes(b"This is not an image at all. " * 40)
    assert refusal(tmp_path / name)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_was_cut_off_is_told(a_scene, tmp_path, suffix, share, compressed):
    SimpleITK.WriteImage(an_image(), str(tmp_path / f"whole{suffix}"), compressed)
    assert refusal(cut(tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}", share))


@pytest.mark.parametrize("suffix", [".nhdr", ".mhd"])
def test_a_header_whose_data_was_cut_off_is_told(a_scene, tmp_path, suffix):
    SimpleITK.WriteImage(an_image(), str(tmp_path / f"ct{suffix}"), False)
    data = tmp_path / "ct.raw"
    cut(data, data, 0.5)
    assert refusal(tmp_path / f"ct{suffix}")


@pytest.mark.parametrize("suffix", [".nhdr", ".mhd"])
def test_a_header_without_its_data_is_told(a_scene, tmp_path, suffix):
    SimpleITK.WriteImage(an_image(), str(tmp_path / f"ct{suffix}"), False)
    (tmp_path / "ct.raw").unlink()
    assert refusal(tmp_path / f"ct{suffix}")


def test_a_damaged_gzip_is_told(a_scene, tmp_path):
    SimpleITK.WriteImage(an_image(), str(tmp_path / "ct.nii.gz"))
    content = bytearray((tmp_path / "ct.nii.gz").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "ct.nii.gz").write_bytes(content)
    assert "damaged" in refusal(tmp_path / "ct.nii.gz").message


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_picture_of_one_slice_is_told(a_scene, tmp_path, suffix):
    SimpleITK.WriteImage(an_image()[:, :, 0], str(tmp_path / f"flat{suffix}"))
    assert "not a 3D image" in refusal(tmp_path / f"flat{suffix}").message
    SimpleITK.WriteImage(an_image(size=(12, 14, 1)), str(tmp_path / f"thin{suffix}"))
    assert "not a 3D image" in refusal(tmp_path / f"thin{suffix}").message


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_colour_image_is_told(a_scene, tmp_path, suffix):
    colour = SimpleITK.Compose([an_image(dtype=np.uint8)] * 3)
    SimpleITK.WriteImage(colour, str(tmp_path / f"ct{suffix}"))
    assert refusal(tmp_path / f"ct{suffix}")


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_series_of_volumes_in_one_file_is_told(a_scene, tmp_path, suffix):
    SimpleITK.WriteImage(SimpleITK.JoinSeries([an_image(), an_image(seed=1)]), str(tmp_path / f"ct{suffix}"))
    assert "dimensions" in refusal(tmp_path / f"ct{suffix}").message


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_one_volume_stored_with_a_fourth_axis_is_taken(tmp_path, suffix):
    image = an_image()
    SimpleITK.WriteImage(SimpleITK.JoinSeries([image]), str(tmp_path / f"ct{suffix}"))
    assert np.array_equal(read_volume(tmp_path / f"ct{suffix}").array, SimpleITK.GetArrayFromImage(image))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_values_that_are_not_numbers_are_told(a_scene, tmp_path, suffix, value):
    image = an_image(dtype=np.float32)
    image[3, 4, 5] = value
    SimpleITK.WriteImage(image, str(tmp_path / f"ct{suffix}"))
    assert "1 of 2688 voxels" in refusal(tmp_path / f"ct{suffix}").cause


def test_voxels_without_size_are_told(a_scene, tmp_path):
    SimpleITK.WriteImage(an_image(), str(tmp_path / "ct.nii"))
    content = bytearray((tmp_path / "ct.nii").read_bytes())
    content[76:108] = bytes(32)
    content[252:256] = bytes(4)
    content[280:328] = bytes(48)
    (tmp_path / "ct.nii").write_bytes(content)
    assert "no size" in refusal(tmp_path / "ct.nii").message


def test_a_folder_without_dicom_is_told(a_scene, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    assert "No DICOM images" in refusal(tmp_path).message
    assert "batch" not in refusal(tmp_path).remedy


def test_a_folder_of_images_is_one_for_a_batch(a_scene, tmp_path):
    SimpleITK.WriteImage(an_image(), str(tmp_path / "ct.nii"))
    assert "boneseg batch" in refusal(tmp_path).remedy


def test_a_segmentation_given_as_the_image_is_told(a_scene, tmp_path):
    (tmp_path / "a.seg.nrrd").write_text("NRRD0005\n")
    assert "is a segmentation" in refusal(tmp_path / "a.seg.nrrd").message


@pytest.mark.parametrize("name", ["a.seg.nrrd", "a.nii.gz"])
def test_a_damaged_segmentation_is_told(a_scene, tmp_path, name):
    (tmp_path / name).write_bytes(b"NRRD0005\nnothing of use\n")
    before = a_scene.GetNumberOfNodes()
    with pytest.raises(InputError):
        read_segmentation(tmp_path / name)
    with pytest.raises(InputError):
        read_labelmap(tmp_path / name)
    assert a_scene.GetNumberOfNodes() == before


@pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
def test_a_segmentation_that_was_cut_off_is_told(a_scene, tmp_path, share):
    from BoneSegLib.headless.write import write_segmentation
    from BoneSegLib.scene.write import write_labels

    labels = np.random.default_rng(0).integers(0, 11, SIZE[::-1]).astype(np.uint8)
    node = write_labels(LabelMap(labels, Geometry.from_spacing(SIZE, (1, 1, 1))))
    whole = write_segmentation(node, tmp_path / "whole.seg.nrrd")
    with pytest.raises(InputError, match="damaged or cut off"):
        read_segmentation(cut(whole, tmp_path / "cut.seg.nrrd", share))


def test_an_image_named_like_a_segmentation_is_told(a_scene, tmp_path):
    SimpleITK.WriteImage(an_image(dtype=np.float32), str(tmp_path / "ct.nrrd"))
    (tmp_path / "ct.nrrd").rename(tmp_path / "ct.seg.nrrd")
    before = a_scene.GetNumberOfNodes()
    with pytest.raises(InputError):
        read_labelmap(tmp_path / "ct.seg.nrrd")
    assert a_scene.GetNumberOfNodes() == before


def test_an_image_given_as_label_map_is_told(tmp_path):
    SimpleITK.WriteImage(an_image(), str(tmp_path / "ct.nrrd"))
    with pytest.raises(InputError, match="not a label map"):
        read_labelmap(tmp_path / "ct.nrrd")


def test_label_values_of_other_things_are_left_out_and_told(tmp_path):
    labels = np.zeros(SIZE[::-1], np.uint8)
    labels[0], labels[1], labels[2] = 3, 25, 200
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(labels), str(tmp_path / "labels.nii.gz"))
    told: list[str] = []
    read = read_labelmap(tmp_path / "labels.nii.gz", warn=told.append)
    assert set(np.unique(read.array)) == {0, 3}
    assert len(told) == 1 and "25, 200" in told[0]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.float64])
@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz"])
def test_every_number_type_arrives_with_its_values(a_scene, tmp_path, dtype, suffix):
    from BoneSegLib.scene.read import volume_from_node

    values = np.random.default_rng(0).integers(0, 100, SIZE[::-1]).astype(dtype)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(values), str(tmp_path / f"ct{suffix}"))
    volume = volume_from_node(read_volume_node(tmp_path / f"ct{suffix}"))
    assert np.array_equal(volume.array, values)
    assert volume.array.dtype != np.int8  # which MRML crashes on when it writes it


def test_the_rescaling_of_a_nifti_is_applied(tmp_path):
    SimpleITK.WriteImage(an_image(), str(tmp_path / "ct.nii"))
    content = bytearray((tmp_path / "ct.nii").read_bytes())
    content[112:120] = np.array([0.5, -1024], "<f4").tobytes()
    (tmp_path / "ct.nii.gz").write_bytes(gzip.compress(bytes(content)))
    expected = SimpleITK.GetArrayFromImage(an_image()) * 0.5 - 1024
    assert np.allclose(read_volume(tmp_path / "ct.nii.gz").array, expected)


def test_a_damaged_scene_is_told(a_scene, tmp_path):
    (tmp_path / "a.mrml").write_text("<MRML> not closed")
    with pytest.raises(InputError):
        read_scene(tmp_path / "a.mrml")


LONG_LINES = {
    "no field": "x" * 3000,
    "unknown field": "foo: " + "x" * 3000,
    "broken": 'units: "' + "x" * 3000,
    "lone return": "key:=\r" + "x" * 3000,
    "zero": "\0key:=a: b" + "x" * 3000,
}


@pytest.mark.parametrize("line", LONG_LINES.values(), ids=LONG_LINES)
@pytest.mark.parametrize("suffix", [".nrrd", ".seg.nrrd"])
def test_a_header_that_would_end_the_process_is_refused(a_scene, tmp_path, suffix, line):
    path = tmp_path / f"a{suffix}"
    SimpleITK.WriteImage(an_image(dtype=np.uint8), str(path))
    head, voxels = path.read_bytes().split(b"\n\n", 1)
    path.write_bytes(head + b"\n" + line.encode("ascii") + b"\n\n" + voxels)
    with pytest.raises(InputError, match="damaged"):
        read_labelmap(path)


def test_a_long_value_of_a_key_is_no_damage(a_scene, tmp_path):
    path = tmp_path / "a.nrrd"
    SimpleITK.WriteImage(an_image(), str(path))
    head, voxels = path.read_bytes().split(b"\n\n", 1)
    path.write_bytes(head + b"\nkey:=" + b"a: b " * 1000 + b"\n\n" + voxels)
    assert read_volume(path).array.shape == SIZE[::-1]


def test_names_of_segments_that_are_not_in_utf_8_are_refused(a_scene, tmp_path):
    path = tmp_path / "a.seg.nrrd"
    SimpleITK.WriteImage(an_image(dtype=np.uint8), str(path))
    head, voxels = path.read_bytes().split(b"\n\n", 1)
    fields = b"\nSegment0_ID:=hip\nSegment0_LabelValue:=1\nSegment0_Layer:=0\nSegment0_Name:=H\xfcfte\n\n"
    path.write_bytes(head + fields + voxels)
    with pytest.raises(InputError, match="names"):
        read_labelmap(path)
