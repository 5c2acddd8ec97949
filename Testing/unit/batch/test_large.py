"""Cohorts of thousands: pages that a browser opens, and an index that does not slow the batch down."""

from __future__ import annotations

import csv

import pytest

from BoneSegLib.batch import state
from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.folder import OutputFolder
from BoneSegLib.batch.index import index_row
from BoneSegLib.batch.record import DONE, FAILED, Record, write_record
from BoneSegLib.batch.report import MOST_ROWS, write_cohort_report
from BoneSegLib.batch.state import Batch
from BoneSegLib.batch.strips import MOST_DOTS, Dot, log_axis, strip_chart
from BoneSegLib.batch.tables import write_statistics
from Testing.unit.batch.cohorts import adults


def test_a_strip_draws_so_many_dots_at_most_and_all_that_are_far_away():
    near = [Dot(100 + number % 50, f"p{number}") for number in range(10_000)]
    far = [Dot(900.0, f"far{number}", is_far=True) for number in range(40)]
    chart = strip_chart([("Sacrum", [*near, *far])], log_axis([100, 900], "ml"))
    assert 0.5 * MOST_DOTS < chart.count("<circle") <= MOST_DOTS
    assert chart.count("<title>far") == 40
    few = strip_chart([("Sacrum", near[:MOST_DOTS])], log_axis([100, 900], "ml"))
    assert few.count("<circle") == MOST_DOTS


def test_the_report_of_thousands_lists_those_to_look_at_and_says_where_the_others_are(tmp_path):
    folder = OutputFolder(tmp_path, ".seg.nrrd")
    records = adults(MOST_ROWS + 300)
    for record in records:
        folder.record(record.case).parent.mkdir(parents=True, exist_ok=True)
        write_record(record, folder.record(record.case))
    odd = Record(case="zz-odd", status=FAILED, error={"kind": "invalid input", "message": "Cut off."})
    page = write_cohort_report(folder, [index_row(one) for one in [*records, odd]]).read_text()
    assert "301 more are in cases.csv" in page
    assert "Cut off." in page
    assert len(page) < 8e6
    table = write_statistics(folder, [record.case for record in records])
    assert table is not None
    with table.open(newline="", encoding="utf-8") as file:
        assert sum(1 for _ in csv.reader(file)) == 1 + 10 * len(records)


@pytest.mark.parametrize(("seconds", "writings"), [(0.0, 100), (1.0, 5)])
def test_the_index_is_written_after_each_case_unless_that_takes_long(tmp_path, monkeypatch, seconds, writings):
    """A case a second; writing that takes a second itself may cost a twentieth of the time."""
    now = [0.0]
    written = []

    def write(rows, folder):
        now[0] += seconds
        written.append([row["status"] for row in rows].count(DONE))

    monkeypatch.setattr(state, "write_index", write)
    monkeypatch.setattr(state.time, "monotonic", lambda: now[0])
    folder = OutputFolder(tmp_path, ".seg.nrrd")
    cases = [Case(f"p{number}", tmp_path / "ct.nii.gz") for number in range(100)]
    batch = Batch(cases, _Job(folder), resume=False)
    for case in cases:
        now[0] += 1.0
        batch.note(Record(case=case.name, status=DONE))
    assert abs(len(written) - writings) <= 1
    batch.write()
    assert written[-1] == 100, "the last writing knows all"


class _Job:
    """As much of a job as the state of a run looks at."""

    def __init__(self, folder: OutputFolder) -> None:
        self.folder = folder
