"""`boneseg agreement`: tables of many cases in, agreement out."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from evaluation_shapes import box_mask, labelmap

from BoneSegLib.cli import main
from BoneSegLib.evaluation.cohort import Cohort
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.raters import compare_all_pairs

SHAPE = (40, 40, 40)
HEIGHTS = (10, 11, 13)


@pytest.fixture
def tables(tmp_path):
    """Three cases: a box of 10 x 20 x 20 ml against one of 10, 11 and 13 x 20 x 20 (voxels of 1 ml)."""
    options = CompareOptions(structures=("hip_left", "sacrum"))
    reference = labelmap(box_mask(SHAPE, (5, 5, 5), (15, 25, 25)), (10.0, 10.0, 10.0))
    folder = tmp_path / "tables"
    folder.mkdir()
    for height in HEIGHTS:
        test = labelmap(box_mask(SHAPE, (5, 5, 5), (5 + height, 25, 25)), (10.0, 10.0, 10.0))
        compare_labelmaps(reference, test, options=options).to_csv(folder / f"case {height}.csv")
    return folder


def _rows(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_bias_and_limits_of_the_volumes_are_those_of_the_paper(tables, tmp_path, capsys):
    """Differences 0, 400 and 1200 ml: mean 533.3, standard deviation sqrt(((533.3)2 + (133.3)2 + (666.7)2) / 2)."""
    assert main(["agreement", str(tables), "--volumes", str(tmp_path / "v.csv"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["volume_agreement_ml"]
    mean, deviation = 1600 / 3, (1_120_000 / 3) ** 0.5
    assert found["hip_left"]["bias"] == pytest.approx(mean)
    assert found["hip_left"]["lower"] == pytest.approx(mean - 1.96 * deviation)
    assert found["hip_left"]["differences"] == pytest.approx([0.0, 400.0, 1200.0])
    assert found["sacrum"] is None
    rows = _rows(tmp_path / "v.csv")
    assert [row["structure"] for row in rows] == ["hip_left", "all"]
    assert float(rows[0]["upper"]) == pytest.approx(mean + 1.96 * deviation)
    assert float(rows[0]["bias_interval_low"]) < mean < float(rows[0]["bias_interval_high"])


def test_all_rows_and_their_spread_become_tables_for_statistics_packages(tables, tmp_path, capsys):
    long, summary = tmp_path / "long.csv", tmp_path / "summary.csv"
    assert main(["agreement", str(tables), "-o", str(long), "--summary", str(summary)]) == 0
    assert "3 cases" in capsys.readouterr().out
    assert [(row["case"], row["structure"]) for row in _rows(long)][:2] == [
        ("case 10", "hip_left"),
        ("case 10", "sacrum"),
    ]
    dice = next(row for row in _rows(summary) if (row["structure"], row["metric"]) == ("hip_left", "dice"))
    assert float(dice["median"]) == pytest.approx(20 / 21)
    assert float(dice["minimum"]) == pytest.approx(20 / 23)
    assert dice["n"] == "3"


def test_the_long_table_is_read_again_as_the_same_cohort(tables, tmp_path):
    main(["agreement", str(tables), "-o", str(tmp_path / "long.csv")])
    again = Cohort.read([tmp_path / "long.csv"])
    assert again.cases == ("case 10", "case 11", "case 13")
    assert again.volume_agreement("hip_left") == Cohort.read(sorted(tables.glob("*.csv"))).volume_agreement("hip_left")


def test_of_a_batchs_folder_its_comparison_is_read(tables, tmp_path, capsys):
    main(["agreement", str(tables), "-o", str(tables / "comparison.csv")])
    capsys.readouterr()
    assert main(["agreement", str(tables), "--report", str(tmp_path / "page.html")]) == 0
    assert "3 cases" in capsys.readouterr().out
    assert "Bland and Altman" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.csv"], "missing.csv"),
        (["empty"], "no tables"),
        (["missing.csv"], "does not exist"),
        (["batch"], "Run it with --references"),
        (["tables/case 10.csv", "tables/case 10.csv"], "comes twice"),
        (["broken.csv"], "no number"),
    ],
)
def test_what_is_wrong_with_the_tables_is_told(tables, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "batch").mkdir()
    (tmp_path / "batch" / "cases.csv").write_text("case,status\n", encoding="utf-8")
    text = (tables / "case 10.csv").read_text(encoding="utf-8")
    (tmp_path / "broken.csv").write_text(text.replace("hip_left,1.0", "hip_left,high"), encoding="utf-8")
    assert main(["agreement", *words]) == 3
    assert said in capsys.readouterr().err


def test_a_table_of_raters_is_no_table_of_cases(tables, tmp_path, capsys):
    one = labelmap(box_mask(SHAPE, (5, 5, 5), (15, 25, 25)))
    compare_all_pairs({"a": one, "b": one}).to_csv(tmp_path / "raters.csv")
    assert main(["agreement", str(tmp_path / "raters.csv")]) == 3
    assert "'raters.csv' compares the raters of one case with each other" in capsys.readouterr().err


def test_a_number_that_is_not_defined_everywhere_tells_in_how_many_cases_it_is(tables, capsys):
    reference = labelmap(box_mask(SHAPE, (5, 5, 5), (15, 25, 25)))
    empty = replace(reference, array=np.zeros_like(reference.array))
    compare_labelmaps(reference, empty, options=CompareOptions(structures=("hip_left",))).to_csv(tables / "none.csv")
    assert main(["agreement", str(tables)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Left hip bone"))
    assert line.split()[3] == "4"
    assert line.count("n=3") == 2  # HD95 and ASSD; Dice and NSD are 0
