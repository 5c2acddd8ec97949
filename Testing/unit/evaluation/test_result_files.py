"""Tables in files, JSON and text."""

from __future__ import annotations

import csv
import json
import math

import pytest
from evaluation_shapes import blob_mask, labelmap

from BoneSegLib.errors import OutputError
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.definitions import METRICS
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.result import COLUMNS, NUMBERS

INTERFACE = (
    "structure,dice,jaccard,hausdorff_mm,hausdorff95_mm,assd_mm,nsd,volume_reference_ml,volume_test_ml,"
    "volume_difference_percent,note"
)


@pytest.fixture
def comparison():
    return compare_labelmaps(
        labelmap(blob_mask(1)), labelmap(blob_mask(2)), options=CompareOptions(structures=("pelvis",))
    )


def test_the_csv_has_the_columns_of_the_interface_first_and_the_mean_last(comparison, tmp_path):
    comparison.to_csv(tmp_path / "scores.csv")
    lines = (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(INTERFACE + ",")
    assert [line.split(",")[0] for line in lines[1:]] == ["hip_left", "hip_right", "sacrum", "mean"]


def test_the_csv_keeps_every_digit(comparison, tmp_path):
    comparison.to_csv(tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    score = comparison.score("hip_left")
    for name in NUMBERS:
        assert float(row[name]) == getattr(score, name), name


def test_an_undefined_number_is_nan_in_the_csv_and_null_in_the_json(comparison, tmp_path):
    comparison.to_csv(tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        row = list(csv.DictReader(file))[1]
    assert math.isnan(float(row["dice"])) and row["note"] == "absent from both"
    data = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    assert data["structures"][1]["dice"] is None


def test_the_json_holds_the_definition_of_every_number(comparison):
    data = comparison.to_json()
    assert set(data["definitions"]["columns"]) == set(NUMBERS) == {metric.column for metric in METRICS}
    assert data["definitions"]["tolerance_mm"] == 2.0
    assert list(data["mean"]) == list(COLUMNS)


def test_the_text_names_bones_as_people_do(comparison):
    text = comparison.to_text()
    assert "Left hip bone" in text and "mean" in text and "Surface: surfel" in text
    assert "nan" not in text


def test_an_existing_table_survives_a_failure(comparison, tmp_path):
    table = tmp_path / "scores.csv"
    table.write_text("old", encoding="utf-8")
    with pytest.raises(OutputError):
        comparison.to_csv(tmp_path / "no such folder" / "deeper" / "scores.csv")
    comparison.to_csv(table)
    assert table.read_text(encoding="utf-8").startswith("structure,")
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_an_unknown_row_is_a_key_error(comparison):
    with pytest.raises(KeyError):
        comparison.score("vertebra_L1")
