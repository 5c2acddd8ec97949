"""Agreement over a cohort and between several raters."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from evaluation_shapes import blob_mask, box_mask, labelmap

from BoneSegLib.errors import UsageError
from BoneSegLib.evaluation.agreement import bland_altman, distributions
from BoneSegLib.evaluation.charts import bland_altman_chart
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.raters import compare_all_pairs

# Peak expiratory flow by the Wright and the mini Wright meter, first measurements, from the paper of Bland and Altman.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def test_bland_and_altmans_own_example():
    result = bland_altman(MINI, WRIGHT)
    assert result.n == 17
    # The paper: mean -2.1, s 38.8, limits -79.7 and 75.5 (taken at 2 s), and the intervals below.
    assert result.bias == pytest.approx(-2.1, abs=0.05)
    assert result.deviation == pytest.approx(38.8, abs=0.05)
    assert (result.lower, result.upper) == pytest.approx((-2.118 - 1.96 * 38.765, -2.118 + 1.96 * 38.765), abs=0.01)
    assert result.bias_interval == pytest.approx((-22.0, 17.8), abs=0.1)


def test_undefined_measurements_are_left_out_and_counted():
    result = bland_altman([1, 2, math.nan, 4], [1, 3, 3, math.inf])
    assert (result.n, result.left_out) == (2, 2)
    assert result.differences == (0, 1)


@pytest.mark.parametrize(("reference", "test"), [([], []), ([1], [1]), ([1, 2], [1]), ([1, 2], [math.nan, 2])])
def test_agreement_needs_two_pairs(reference, test):
    with pytest.raises(UsageError):
        bland_altman(reference, test)


def test_the_chart_holds_every_pair():
    chart = bland_altman_chart(bland_altman(MINI, WRIGHT), unit="l/min", title="Flow")
    assert chart.count("<circle") == 17 and "bias -2.12" in chart


def test_the_spread_of_a_metric_goes_by_structure():
    rows = [{"structure": "sacrum", "dice": value} for value in ("0.8", "0.9", "1.0", "nan", "")]
    rows += [{"structure": "mean", "dice": "0.1"}, {"structure": "hip_left", "dice": math.nan}]
    sacrum, hip = distributions(rows, "dice")
    assert (sacrum.n, sacrum.median, sacrum.minimum, sacrum.maximum) == (3, 0.9, 0.8, 1.0)
    assert sacrum.lower_quartile == pytest.approx(0.85)
    assert sacrum.deviation == pytest.approx(np.std([0.8, 0.9, 1.0], ddof=1))
    assert hip.n == 0 and math.isnan(hip.mean)


@pytest.fixture
def raters():
    options = CompareOptions(structures=("hip_left",))
    return compare_all_pairs({name: labelmap(blob_mask(n)) for n, name in enumerate("ABC")}, options=options)


def test_each_is_compared_with_each_once(raters):
    assert list(raters.comparisons) == [("A", "B"), ("A", "C"), ("B", "C")]
    assert raters.raters == ("A", "B", "C")
    matrix = raters.matrix("dice", "hip_left")
    assert matrix["A"]["B"] == matrix["B"]["A"] == raters.comparisons["A", "B"].score("hip_left").dice
    assert "A" not in matrix["A"]


def test_the_table_of_raters_is_in_long_form(raters, tmp_path):
    raters.to_csv(tmp_path / "raters.csv")
    with (tmp_path / "raters.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 2
    assert rows[0]["rater_reference"] == "A" and rows[0]["structure"] == "hip_left"


def test_one_rater_is_not_enough():
    with pytest.raises(UsageError):
        compare_all_pairs({"A": labelmap(box_mask((3, 3, 3), (1, 1, 1), (2, 2, 2)))})
