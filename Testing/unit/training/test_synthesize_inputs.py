"""`boneseg synthesize` refuses folders that are not there, or hold nothing of use, before it begins."""

from __future__ import annotations

import argparse

import numpy as np
import pytest
import SimpleITK as sitk

from BoneSegLib.errors import InputError
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
    (tmp_path / "maps").mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((8, 8, 8), np.uint8)), str(tmp_path / "maps" / "a.nii.gz"))
    parser = argparse.ArgumentParser()
    synthesize.add_arguments(parser)
    words = [str(tmp_path / "maps"), "-o", str(tmp_path / "out"), option, str(tmp_path / folder)]
    with pytest.raises(InputError, match=message):
        synthesize.run_command(parser.parse_args(words))
    assert not (tmp_path / "out").exists()
