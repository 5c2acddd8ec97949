"""Images and labels as people store them: every layout is found, and what cannot be used is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from BoneSegLib.anatomy import foreign_structure
from BoneSegLib.errors import InputError
from BoneSegLib.label_rules import LabelRules
from BoneSegLib.training.data.find import find_source
from BoneSegLib.training.data.harmonise import harmonise
from BoneSegLib.training.data.read_case import read_case
from BoneSegLib.volume import Geometry, LabelMap, Volume
from Testing.support.balls import ball_arrays, write_image


def _touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["a_ct.nii.gz", "a_labels.nii.gz", "b_ct.nrrd", "b_labels.nrrd"], ["a", "b"]),
        (["images/a.nii.gz", "labels/a.nii.gz", "images/b_0000.nii.gz", "labels/b.mha"], ["a", "b"]),
        (["images/site1/a.nii.gz", "labels/site1/a_seg.nii.gz"], ["site1_a"]),
        (["p1/ct.nii.gz", "p1/labels.nii.gz", "p2/scan_of_monday.nrrd", "p2/Segmentation.seg.nrrd"], ["p1", "p2"]),
        (["volume.nrrd", "Segmentation.seg.nrrd"], ["volume"]),
        (["a.nii.gz", "a.seg.nrrd", "c.nii.gz"], ["a"]),
        (["p1/t2.nii.gz", "p1/t2-mask.nii.gz", "p1/other.nii.gz"], ["p1_t2"]),
    ],
)
def test_pairs_are_found_in_every_layout(tmp_path, files, names):
    assert [pair.name for pair in find_source(_touch(tmp_path, *files)).pairs] == names


def test_files_without_a_partner_are_noted(tmp_path):
    source = find_source(_touch(tmp_path, "a_ct.nii.gz", "a_labels.nii.gz", "b_ct.nii.gz", "c_labels.nii.gz"))
    assert [note.split(":")[1].strip() for note in source.notes] == ["b.", "c."]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "no image with labels"),
        (["a.nii.gz", "b.nii.gz"], "no image with labels"),
        (["a_ct.nii.gz", "a_mr.nii.gz", "a_labels.nii.gz", "b_ct.nii.gz"], "not clear which"),
    ],
)
def test_folders_that_cannot_be_used_are_refused(tmp_path, files, message):
    with pytest.raises(InputError, match=message):
        find_source(_touch(tmp_path, *files))


DATASET = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 4, "tumour": 9}}


@pytest.fixture
def raw(tmp_path):
    _touch(tmp_path, "imagesTr/a_0000.nii.gz", "imagesTr/b_0000.nii.gz", "labelsTr/a.nii.gz")
    (tmp_path / "dataset.json").write_text(json.dumps(DATASET))
    return tmp_path


def test_nnunets_raw_layout_tells_channel_and_labels(raw):
    source = find_source(raw)
    assert (source.channel, source.label_names) == ("CT", {"liver": 4, "tumour": 9})
    assert [pair.name for pair in source.pairs] == ["a"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channel_names": {"0": "CT", "1": "PET"}}, "2 input channels"),
        ({"labels": {"background": 0, "whole": [1, 2]}}, "a region"),
        ({"labels": {"background": 0, "a": 1, "ignore": 2}}, "ignore"),
        ({"labels": {"Background": 0, "a": "one"}}, "the value 'one'"),
        ({"labels": None}, "incomplete"),
    ],
)
def test_datasets_of_other_kinds_are_refused(raw, change, message):
    (raw / "dataset.json").write_text(json.dumps({**DATASET, **change}))
    with pytest.raises(InputError, match=message):
        find_source(raw)


def test_several_images_of_a_patient_are_refused_in_the_raw_layout(raw):
    _touch(raw, "imagesTr/a_0001.nii.gz")
    with pytest.raises(InputError, match="Case 'a' has several images"):
        find_source(raw)


@pytest.mark.parametrize("labels", ["labels/p7.nii.gz", "labels/p7.seg.nrrd"])
def test_several_images_of_a_patient_are_refused_in_two_folders(tmp_path, labels):
    with pytest.raises(InputError, match="Case 'p7' has several images"):
        find_source(_touch(tmp_path, "images/p7_0000.nii.gz", "images/p7_0001.nii.gz", labels))


def test_cases_that_are_merely_numbered_are_cases(tmp_path):
    files = [f"{folder}/p_{number:04d}.nii.gz" for folder in ("images", "labels") for number in range(3)]
    assert len(find_source(_touch(tmp_path, *files)).pairs) == 3


def test_labels_without_their_image_are_an_error_in_the_raw_layout(raw):
    (raw / "imagesTr" / "a_0000.nii.gz").unlink()
    with pytest.raises(InputError, match="no image: a"):
        find_source(raw)


RULES = LabelRules({"large": (1,), "small": (2,)})


@pytest.mark.parametrize(("of_image", "of_labels"), [("LPS", "LPS"), ("RAS", "RAS"), ("PIR", "LPS"), ("ASL", "RIP")])
def test_whatever_the_orientation_the_network_sees_the_same_voxels(tmp_path, of_image, of_labels):
    image, labels = ball_arrays(0)
    image, labels = image[:, :22], labels[:, :22]  # no two axes of one length
    write_image(tmp_path / "a_ct.nii.gz", image, spacing=(1.0, 1.5, 3.0), orientation=of_image)
    write_image(tmp_path / "a_labels.nii.gz", labels, spacing=(1.0, 1.5, 3.0), orientation=of_labels)
    source = find_source(tmp_path)
    case = read_case(source.pairs[0], source)
    straight = harmonise(case.image, case.labels(RULES), is_ct=True)
    np.testing.assert_array_equal(straight.image, image)
    np.testing.assert_array_equal(straight.labels, labels)
    assert straight.spacing == pytest.approx((3.0, 1.5, 1.0))


def test_a_tilted_image_of_numbers_without_a_sign_has_air_around_it(tmp_path):
    image, labels = (np.zeros((20, 24, 22), dtype) for dtype in (np.uint16, np.uint8))
    image += 100
    labels[8:12, 8:12, 8:12] = 1
    tilted = Geometry.from_spacing((22, 24, 20), (2.0, 2.0, 2.0), directions=np.array(
        [[1, 0, 0], [0, 1, np.tan(np.radians(20))], [0, 0, 1]]))  # fmt: skip
    drawn = LabelMap(labels, tilted, (foreign_structure(1, "a"),))
    straight = harmonise(Volume(image, tilted), drawn, is_ct=True)
    assert straight.image.max() == 100
    assert straight.image.min() == -1024


def test_labels_on_another_grid_are_refused(tmp_path):
    image, labels = ball_arrays(0)
    write_image(tmp_path / "a_ct.nii.gz", image)
    write_image(tmp_path / "a_labels.nii.gz", labels, spacing=(2.1, 2.0, 2.0))
    source = find_source(tmp_path)
    with pytest.raises(InputError, match="different grids"):
        read_case(source.pairs[0], source)


def test_an_image_in_the_place_of_labels_is_refused(tmp_path):
    image, _ = ball_arrays(0)
    write_image(tmp_path / "a_ct.nii.gz", image)
    write_image(tmp_path / "a_labels.nii.gz", image)
    source = find_source(tmp_path)
    with pytest.raises(InputError, match="not a label map"):
        read_case(source.pairs[0], source)
