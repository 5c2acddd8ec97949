"""Label maps that others made: TotalSegmentator's values, told on the command line or refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.cli import main

TOTAL = {77: 1, 78: 2, 25: 3, 26: 3, 75: 4, 76: 5, 31: 6, 30: 7, 29: 8, 28: 9, 27: 10}
"""Values of TotalSegmentator v2, task "total"; S1 belongs to the sacrum."""

SPLEEN, RIB = 1, 100


@pytest.fixture
def ours_and_theirs(tmp_path):
    """The same slabs of bone twice, and among theirs a spleen and a rib, whose values mean something else to us."""
    theirs = np.zeros((len(TOTAL) + 2, 8, 9), np.uint8)
    theirs[:, 2:7, 2:7] = np.array([SPLEEN, RIB, *TOTAL], np.uint8)[:, None, None]
    ours = np.zeros_like(theirs)
    for value, label in TOTAL.items():
        ours[theirs == value] = label
    paths = tmp_path / "ours.nii.gz", tmp_path / "theirs.nii.gz"
    for array, path in zip((ours, theirs), paths, strict=True):
        sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
    return paths


@pytest.mark.parametrize("side", ["reference", "test"])
@pytest.mark.parametrize(
    ("words", "alike"),
    [
        (["totalsegmentator"], len(STRUCTURES)),
        (["sacrum=25,26", "hip_left=77"], 2),
    ],
)
def test_values_of_another_software_are_compared_as_what_they_mean(side, words, alike, ours_and_theirs, capsys):
    ours, theirs = ours_and_theirs
    files = (theirs, ours) if side == "reference" else (ours, theirs)
    assert main(["compare", *map(str, files), "--json", f"--{side}-labels", *words]) == 0
    dice = {row["structure"]: row["dice"] for row in json.loads(capsys.readouterr().out)["structures"]}
    assert sum(value == 1.0 for value in dice.values()) == alike
    assert all(value in (0.0, 1.0) for value in dice.values())


@pytest.mark.parametrize("swapped", [False, True])
def test_values_of_another_software_that_nobody_told_are_refused(swapped, ours_and_theirs, tmp_path, capsys):
    files = ours_and_theirs[:: -1 if swapped else 1]
    assert main(["compare", *map(str, files), "-o", str(tmp_path / "table.csv")]) == 3
    assert "'theirs.nii.gz' has the values of TotalSegmentator's labels" in (said := capsys.readouterr().err)
    assert "--reference-labels totalsegmentator" in said
    assert not (tmp_path / "table.csv").exists()


def test_a_bone_that_nobody_knows_is_refused(ours_and_theirs, capsys):
    ours, theirs = map(str, ours_and_theirs)
    assert main(["compare", theirs, ours, "--reference-labels", "coccyx=25"]) == 2
    assert "Unknown structure 'coccyx'" in capsys.readouterr().err


def test_raters_may_use_values_of_their_own(ours_and_theirs, capsys):
    ours, theirs = map(str, ours_and_theirs)
    assert main(["compare", ours, theirs, "--all-pairs", "--json", "--test-labels", "totalsegmentator"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"][0]["mean"]["dice"] == 1.0


def test_zeros_that_say_nothing_of_the_test_are_told(ours_and_theirs, tmp_path, capsys):
    ours = sitk.ReadImage(str(ours_and_theirs[0]))
    pelvis, far = tmp_path / "pelvis.nii.gz", tmp_path / "far.nii.gz"
    sitk.WriteImage(sitk.Cast(sitk.Mask(ours, ours <= 3), sitk.sitkUInt8), str(pelvis))
    ours.SetOrigin((500.0, 0.0, 0.0))
    sitk.WriteImage(ours, str(far))
    assert main(["compare", str(ours_and_theirs[0]), str(pelvis)]) == 0
    assert "Absent from the test and counted as 0: 7 of 10 structures." in capsys.readouterr().out
    assert main(["compare", str(ours_and_theirs[0]), str(far)]) == 0
    assert "Nothing overlaps" in capsys.readouterr().out
