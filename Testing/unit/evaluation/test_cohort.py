"""Many comparisons together."""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ET

import pytest
from evaluation_shapes import blob_mask, labelmap

import BoneSegLib.evaluation as evaluation
from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.cohort import Cohort
from BoneSegLib.evaluation.cohort_report import write_cohort_report
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.options import CompareOptions


@pytest.fixture
def comparisons():
    options = CompareOptions(structures=("hip_left", "sacrum"))
    reference = labelmap(blob_mask(0))
    return {f"case {n}": compare_labelmaps(reference, labelmap(blob_mask(n)), options=options) for n in (1, 2, 3)}


def test_a_cohort_has_a_row_per_case_and_structure(comparisons, tmp_path):
    cohort = Cohort.of(comparisons)
    assert cohort.cases == ("case 1", "case 2", "case 3")
    assert cohort.structures == ("hip_left", "sacrum")
    cohort.to_csv(tmp_path / "cohort.csv")
    with (tmp_path / "cohort.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 and rows[0]["case"] == "case 1"
    assert float(rows[0]["dice"]) == comparisons["case 1"].score("hip_left").dice


def test_it_reads_the_tables_that_compare_wrote(comparisons, tmp_path):
    for case, comparison in comparisons.items():
        comparison.to_csv(tmp_path / f"{case}.csv")
    read = Cohort.read(sorted(tmp_path.glob("*.csv")))
    made = Cohort.of(comparisons)
    assert read.cases == made.cases
    assert read.distributions("assd_mm")[0] == made.distributions("assd_mm")[0]


def test_missing_bones_are_no_measurement_of_volume(comparisons):
    cohort = Cohort.of(comparisons)
    assert cohort.volume_agreement("sacrum") is None
    assert cohort.volume_agreement("hip_left").n == cohort.volume_agreement().n == 3


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00"])
def test_another_table_is_refused(content, tmp_path):
    (tmp_path / "other.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"other\.csv"):
        Cohort.read([tmp_path / "other.csv"])


def test_the_report_of_a_cohort_is_well_formed(comparisons, tmp_path):
    write_cohort_report(tmp_path / "cohort.html", Cohort.of(comparisons))
    page = (tmp_path / "cohort.html").read_text(encoding="utf-8")
    charts = re.findall(r"<svg.*?</svg>", page)
    assert len(charts) == 4 + 1
    for chart in charts:
        ET.fromstring(chart)
    assert "Left hip bone" in page and "nan" not in page


def test_everything_that_the_package_offers_is_there():
    for name in evaluation.__all__:
        assert getattr(evaluation, name) is not None
    with pytest.raises(AttributeError):
        evaluation.nothing  # noqa: B018
