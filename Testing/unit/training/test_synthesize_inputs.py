"""`boneseg synthesize` refuses folders that are not there, or hold nothing of use, before it begins."""

from __future__ import annotations

import argparse

import numpy as np
import pytest
import SimpleITK as sitk

from BoneSegLib.errors import InputError, UsageError
from BoneSegLib.training.commands import synthesize


@pytest.mark.parametrize(
    ("option", "folder", "message"),
    [
        ("--shapes", "absent", "There is no folder 'absent'"),
        ("--bone-hu", "absent", "There is no folder 'absent'"),
        ("--shapes", "maps", "'maps' holds too few subjects"),
    ],
)
def test_a_folder_without_what_is_asked_of_it_is_refused(tmp_path, option, folder, message):
    with pytest.raises(InputError, match=message):
        synthesize_from(np.zeros((8, 8, 8), np.uint8), tmp_path, option, str(tmp_path / folder))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("voxels", "spacing", "message"),
    [
        (np.full((8, 8, 8), -1000, np.int16), (1.5, 1.5, 1.5), "'a.nii.gz' is no label map"),
        (np.full((8, 8, 8), 900, np.int16), (1.5, 1.5, 1.5), "'a.nii.gz' is no label map"),
        (np.full((8, 8, 8), 77.5, np.float32), (1.5, 1.5, 1.5), "'a.nii.gz' is no label map"),
        (np.full((8, 8, 8), 5, np.uint8), (1.5, 1.5, 1.5), "holds no value of a bone"),
        (np.full((8, 8, 8), 77, np.uint8), (0.8, 0.8, 5.0), "has voxels of 0.8 x 0.8 x 5 mm"),
    ],
)
def test_what_is_no_map_of_anatomy_is_refused(tmp_path, voxels, spacing, message):
    with pytest.raises(InputError, match=message):
        synthesize_from(voxels, tmp_path, spacing=spacing)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--spacing", "0.1"], "--spacing should be 0.5 to 6 mm"),
        (["--spacing", "nan"], "--spacing should be 0.5 to 6 mm"),
        (["--spacing", "0.8", "--format", "npy"], "--format npy have voxels of 1.5 mm"),
    ],
)
def test_a_spacing_that_cannot_be_used_is_refused(tmp_path, words, message):
    with pytest.raises(UsageError, match=message):
        synthesize.run_command(arguments(tmp_path, *words))


def test_a_map_is_left_out_however_its_name_is_written(tmp_path, capsys):
    voxels = np.full((8, 8, 8), 77, np.uint8)
    with pytest.raises(InputError, match="leaves no label map"):
        synthesize_from(voxels, tmp_path, "--exclude", "typo, a.nii.gz ")
    assert "no map to leave out that is called typo" in capsys.readouterr().err


def test_a_seed_below_zero_is_refused(tmp_path):
    with pytest.raises(UsageError, match="--seed at least 0"):
        synthesize.run_command(arguments(tmp_path, "--seed", "-1"))


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "b.nii.gz").write_text("no image")
    with pytest.raises(InputError, match="cannot be read"):
        synthesize.run_command(arguments(tmp_path))


def synthesize_from(voxels, folder, *more, spacing=(1.5, 1.5, 1.5)):
    (folder / "maps").mkdir()
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(folder / "maps" / "a.nii.gz"))
    return synthesize.run_command(arguments(folder, *more))


def arguments(folder, *more):
    parser = argparse.ArgumentParser()
    synthesize.add_arguments(parser)
    return parser.parse_args([str(folder / "maps"), "-o", str(folder / "out"), "--count", "1", *more])
