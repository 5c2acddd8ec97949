"""Damaged images: refused with a reason or read, within bounded memory and time, whatever the damage."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from BoneSegLib.volume import Geometry, LabelMap
from Testing.scene.dicom_files import write_series
from Testing.support.warm_process import Limits, WarmProcess

LIMITS = Limits(headroom=600 * 2**20, seconds=150)
KINDS = [".nii", ".nii.gz", ".nrrd", ".mha", "DICOM"]


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> dict[str, Path]:
    """A small whole image of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    array = np.random.default_rng(0).integers(-1000, 1000, (10, 12, 14)).astype(np.int16)
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((1.0, 1.5, 2.0))
    paths = {kind: folder / f"ct{kind}" for kind in KINDS[:-1]}
    for kind, path in paths.items():
        SimpleITK.WriteImage(image, str(path), kind in (".nii.gz", ".mha"))
    paths["DICOM"] = folder / "dicom"
    write_series(paths["DICOM"], array, Geometry.from_spacing((14, 12, 10), (1.0, 1.5, 2.0)))
    return paths


@pytest.fixture(scope="module")
def segmentation(tmp_path_factory) -> Path:
    """A small whole ``.seg.nrrd`` with three bones."""
    from BoneSegLib.headless.runtime import ensure_runtime

    ensure_runtime()
    from BoneSegLib.headless.write import write_segmentation
    from BoneSegLib.scene.new_nodes import new_nodes_removed
    from BoneSegLib.scene.write import write_labels

    array = np.zeros((10, 12, 14), np.uint8)
    for label in (1, 3, 6):
        array[label : label + 3, 2:9, 3:11] = label
    path = tmp_path_factory.mktemp("whole") / "bones.seg.nrrd"
    labels = LabelMap(array, Geometry.from_spacing((14, 12, 10), (1.0, 1.5, 2.0)))
    with new_nodes_removed():
        write_segmentation(write_labels(labels), path, reference=labels.geometry)
    return path


def read_all(process: WarmProcess, source: Path, first: int, count: int, *, what: str = "images") -> None:
    ended = process.call(f"Testing.fuzz.mutations:read_damaged_{what}", str(source), first, count, limits=LIMITS)
    assert ended.code == 0, ended.stderr[-3000:]
    assert sum(ended.value.values()) == count


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_image_is_read_or_refused(a_warm_process, images, kind):
    read_all(a_warm_process, images[kind], 0, 8 if kind == "DICOM" else 25)


def test_a_damaged_segmentation_is_read_or_refused_and_leaves_nothing_in_the_scene(a_warm_process, segmentation):
    read_all(a_warm_process, segmentation, 0, 25, what="segmentations")


def test_a_rescaling_beyond_all_whole_numbers_is_no_trap(a_warm_process, images):
    read_all(a_warm_process, images[".nii"], 1579, 1)


def test_a_small_file_that_unpacks_to_hundreds_of_megabytes_takes_no_more_than_its_header_tells(
    a_warm_process, images, tmp_path
):
    bomb = tmp_path / "bomb.nii.gz"
    with gzip.open(bomb, "wb") as file:
        file.write(images[".nii"].read_bytes())
        for _ in range(300):
            file.write(bytes(2**20))
    assert bomb.stat().st_size < 2**20
    limits = Limits(headroom=50 * 2**20)
    ended = a_warm_process.call("Testing.fuzz.mutations:read_one", str(bomb), limits=limits)
    assert ended.value == [10, 12, 14], ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_of_thousands_of_damaged_images_is_read_or_refused(a_warm_process, images, kind):
    for first in range(1000, 3000, 200):
        read_all(a_warm_process, images[kind], first, 20 if kind == "DICOM" else 200)


@pytest.mark.slow
def test_each_of_thousands_of_damaged_segmentations_is_read_or_refused(a_warm_process, segmentation):
    for first in range(1000, 3000, 200):
        read_all(a_warm_process, segmentation, first, 200, what="segmentations")
