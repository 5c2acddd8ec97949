"""The cohort as a whole: which cases to look at first, and the page that shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BoneSegLib.batch.cohort import collect, outlying
from BoneSegLib.batch.concerns import concerns_of
from BoneSegLib.batch.folder import OutputFolder
from BoneSegLib.batch.index import index_row
from BoneSegLib.batch.record import FAILED, Record, write_record
from BoneSegLib.batch.report import write_cohort_report
from BoneSegLib.batch.strips import Dot, log_axis, share_axis, strip_chart
from Testing.unit.batch.cohorts import a_record, adults


def volumes_of(record: Record) -> dict[str, float]:
    return {row["id"]: row["volume_cm3"] for row in record.statistics}


def test_ordinary_adults_give_no_reason_for_concern():
    assert concerns_of(collect(adults(30))) == []


def test_one_value_far_away_is_found_and_does_not_hide_itself():
    assert outlying([100, 101, 99, 102, 98, 160]) == [False] * 5 + [True]
    assert outlying([100, 100, 100, 100, 100.5]) == [False] * 5
    assert outlying([1, 1, 9]) == [False] * 3, "three values tell nothing"


def test_a_bone_of_another_size_than_the_cohorts_is_named_with_its_numbers():
    records = adults(20)
    odd = replace(records[3], statistics=[dict(row) for row in records[3].statistics])
    odd.statistics[2]["volume_cm3"] *= 1.9
    (concern,) = concerns_of(collect([*records[:3], odd, *records[4:]]))
    assert concern.case == "p003"
    assert concern.reasons[0].startswith("Sacrum: ")
    assert "median" in concern.reasons[0]


def test_a_bone_cut_by_the_field_of_view_is_not_judged_by_its_size():
    records = adults(20)
    odd = replace(records[3], statistics=[dict(row) for row in records[3].statistics])
    odd.statistics[3]["volume_cm3"] *= 0.1
    assert concerns_of(collect([*records[:3], odd, *records[4:]])) == []


def test_sides_of_different_size_are_noticed_even_in_a_single_case():
    (concern,) = concerns_of(collect([a_record("a", {"hip_left": 300, "hip_right": 200})]))
    assert concern.reasons[0] == "Left hip bone: 50% larger than right hip bone"


def test_a_missing_bone_counts_only_where_the_others_have_it():
    records = adults(9)
    without = a_record("without", {k: v for k, v in volumes_of(records[0]).items() if k != "vertebra_L3"})
    (concern,) = concerns_of(collect([*records, without]))
    assert concern.reasons == ("L3 vertebra: not found",)


def test_low_agreement_comes_first():
    records = adults(9, with_dice=True)
    low = a_record("low", volumes_of(records[0]), dice={"sacrum": 0.4, "vertebra_L1": 0.95})
    fragments = a_record("pieces", volumes_of(records[0]), sacrum="2 fragments")
    found = concerns_of(collect([*records, fragments, low]))
    assert [concern.case for concern in found] == ["low", "pieces"]
    assert found[0].reasons == ("Sacrum: Dice 0.40",)


@pytest.fixture
def a_page(tmp_path) -> str:
    folder = OutputFolder(tmp_path / "out", ".seg.nrrd")
    folder.prepare()
    failed = Record(
        case="b<ad",
        status=FAILED,
        error={"kind": "invalid input", "message": "It is <empty>.", "cause": "", "remedy": "Copy it."},
    )
    records = [*adults(8, with_dice=True), a_record("odd", {"hip_left": 300, "hip_right": 200}), failed]
    for record in records:
        folder.make_room(record.case)
        write_record(record, folder.record(record.case))
    return write_cohort_report(folder, [index_row(record) for record in records]).read_text()


def test_the_page_needs_nothing_else_and_escapes_what_it_is_told(a_page):
    assert "http" not in a_page.replace("http://www.w3.org/2000/svg", "")
    assert "b&lt;ad" in a_page
    assert "<empty>" not in a_page


def test_the_page_shows_failures_concerns_distributions_and_agreement(a_page):
    titles = ("Failed", "To look at first", "Volumes", "Agreement with the references", "Bland-Altman", "All cases")
    assert [title for title in titles if title not in a_page] == []
    assert a_page.index("Copy it.") < a_page.index("To look at first")
    assert 'href="p000.seg.nrrd"' in a_page


def test_a_page_without_any_finished_case_is_written_too(tmp_path):
    folder = OutputFolder(tmp_path / "out", ".seg.nrrd")
    folder.prepare()
    assert "No case is done yet" in write_cohort_report(folder, [index_row(Record(case="a"))]).read_text()


def test_axes_hold_all_values_and_dots_lie_in_order():
    axis = log_axis([12.0, 640.0], "ml")
    assert (axis.low, axis.high) == (10.0, 1000.0)
    assert axis.place(10) < axis.place(100) < axis.place(1000)
    assert axis.place(100) - axis.place(10) == pytest.approx(axis.place(1000) - axis.place(100))
    assert share_axis([0.83], "Dice").low == pytest.approx(0.8)
    chart = strip_chart([("Sacrum", [Dot(50, "a"), Dot(70, "b", is_hollow=True)])], axis)
    assert chart.count("<circle") == 2
    assert 'fill="none"' in chart
