"""Outputs are there whole or not at all, and what cannot be written is known beforehand."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from BoneSegLib.errors import OutputError, ResourceError
from BoneSegLib.headless import atomic
from BoneSegLib.headless.write import OUTPUT_SUFFIXES, check_writable, write_labelmap, write_segmentation
from BoneSegLib.volume import Geometry, LabelMap

LABELS = LabelMap(np.eye(8, dtype=np.uint8)[None].repeat(6, 0) * 3, Geometry.from_spacing((8, 8, 6), (1, 1, 2)))


@pytest.fixture
def a_segmentation_node(a_scene):
    from BoneSegLib.scene.write import write_labels

    return write_labels(LABELS)


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_an_existing_file_is_replaced_and_nothing_else_is_left(a_segmentation_node, tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    path.write_text("old")
    assert write_segmentation(a_segmentation_node, path) == path
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_size > 50


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_a_failure_leaves_the_old_file_and_no_other(a_segmentation_node, tmp_path, monkeypatch, suffix):
    def fail(_self, _target):
        raise OSError(errno.EIO, "the disk is gone")

    path = tmp_path / f"out{suffix}"
    path.write_text("old")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="the disk is gone"):
        write_segmentation(a_segmentation_node, path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "old"


def test_a_full_disk_is_told_as_such(tmp_path):
    with pytest.raises(ResourceError, match="full"), atomic.replacing(tmp_path / "a.csv") as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_no_temporary_file(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic.replacing(tmp_path / "a.csv") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.png", "out", "out.seg", "out.dcm"])
def test_a_suffix_that_says_nothing_is_refused(tmp_path, name):
    with pytest.raises(OutputError, match="suffix"):
        check_writable(tmp_path / name)


@pytest.mark.parametrize(
    "name, has_meshes, told", [("a.stl", True, True), ("a.stl", False, False), ("a.xyz", True, False)]
)
def test_who_asks_for_a_surface_hears_of_meshes_where_the_command_writes_them(tmp_path, name, has_meshes, told):
    with pytest.raises(OutputError) as refused:
        check_writable(tmp_path / name, meshes=has_meshes)
    assert ("--meshes" in str(refused.value)) == told


def test_the_last_folder_is_made_and_a_deeper_one_is_not(tmp_path):
    check_writable(tmp_path / "new" / "out.nii.gz")
    assert (tmp_path / "new").is_dir() and not list((tmp_path / "new").iterdir())
    with pytest.raises(OutputError, match="does not exist"):
        check_writable(tmp_path / "wrong" / "deeper" / "out.nii.gz")
    assert not (tmp_path / "wrong").exists()


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "out.nii.gz").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        check_writable(tmp_path / "out.nii.gz")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="not a folder"):
        check_writable(tmp_path / "file" / "out.nii.gz")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="not writable"):
        check_writable(tmp_path / "out.nii.gz")


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        check_writable(tmp_path / "out.nii.gz")


def test_a_label_map_is_written_as_uint8_whatever_came_in(tmp_path):
    import SimpleITK

    labels = LabelMap(LABELS.array.astype(np.int8), LABELS.geometry)
    for suffix in (".nii.gz", ".nrrd", ".mha"):
        image = SimpleITK.ReadImage(str(write_labelmap(labels, tmp_path / f"out{suffix}")))
        assert image.GetPixelID() == SimpleITK.sitkUInt8


def test_the_same_labels_give_the_same_file(tmp_path):
    first, second = (write_labelmap(LABELS, tmp_path / f"{name}.nii.gz") for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_writing_leaves_the_scene_as_it_was(a_scene, a_segmentation_node, tmp_path):
    before = a_scene.GetNumberOfNodes()
    for suffix in OUTPUT_SUFFIXES:
        write_segmentation(a_segmentation_node, tmp_path / f"out{suffix}")
    assert a_scene.GetNumberOfNodes() == before
    assert a_segmentation_node.GetStorageNode() is None
