"""`boneseg compare A B C --all-pairs`: several segmentations of one image."""

from __future__ import annotations

import csv
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from evaluation_shapes import box_mask, labelmap

from BoneSegLib.cli import main
from BoneSegLib.evaluation.all_pairs_command import rater_names
from BoneSegLib.headless.write import write_labelmap


@pytest.fixture
def raters(tmp_path) -> list[str]:
    """Boxes of 10, 10 and 20 slices by three raters."""
    files = []
    for name, height in (("anna", 10), ("ben", 10), ("carla", 20)):
        (tmp_path / name).mkdir()
        files.append(str(tmp_path / name / "bones.nrrd"))
        write_labelmap(labelmap(box_mask((40, 30, 30), (5, 5, 5), (5 + height, 25, 25))), Path(files[-1]))
    return files


def test_each_is_compared_with_each(raters, tmp_path, capsys):
    table = tmp_path / "pairs.csv"
    words = ["compare", *raters, "--all-pairs", "--structures", "hip_left", "-o", str(table), "--json"]
    assert main(words) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["raters"] == ["anna/bones.nrrd", "ben/bones.nrrd", "carla/bones.nrrd"]
    assert [pair["mean"]["dice"] for pair in data["pairs"]] == [1.0, pytest.approx(2 / 3), pytest.approx(2 / 3)]
    assert data["definitions"]["tolerance_mm"] == 2.0
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["structure"] == "hip_left"]
    assert [(row["rater_reference"], row["rater_test"]) for row in rows] == [
        ("anna/bones.nrrd", "ben/bones.nrrd"),
        ("anna/bones.nrrd", "carla/bones.nrrd"),
        ("ben/bones.nrrd", "carla/bones.nrrd"),
    ]


def test_the_terminal_and_the_report_show_who_agrees_with_whom(raters, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["compare", *raters, "--all-pairs", "--structures", "hip_left", "--report", str(page)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"\(1\) anna/bones\.nrrd +1\.000 +0\.667", out)
    text = page.read_text(encoding="utf-8")
    assert "Agreement of 3 segmentations" in text and "carla/bones.nrrd" in text and "nan" not in text
    for chart in re.findall(r"<svg.*?</svg>", text):
        ET.fromstring(chart)


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [(3, [], "--all-pairs"), (2, ["--all-pairs", "--image", "ct.nrrd"], "--image"), (1, ["--all-pairs"], "twice")],
)
def test_wrong_use_is_told(raters, capsys, count, words, said):
    files = raters[:count] if count > 1 else [raters[0], raters[0]]
    assert main(["compare", *files, *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["x/a.nrrd", "x/b.nrrd"], ("a.nrrd", "b.nrrd")),
        (["x/a.nrrd", "y/a.nrrd"], ("x/a.nrrd", "y/a.nrrd")),
        (["x/1/a.nrrd", "y/1/a.nrrd"], ("x/1/a.nrrd", "y/1/a.nrrd")),
    ],
)
def test_raters_are_called_as_shortly_as_they_can_be_told_apart(paths, names):
    assert rater_names([Path(path) for path in paths]) == names
