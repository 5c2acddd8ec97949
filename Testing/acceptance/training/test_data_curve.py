"""`boneseg data-curve`: the same budget on more and more cases, judged on the same ones."""

from __future__ import annotations

import csv
import json
import math

from BoneSegLib.cli import main
from Testing.support.ball_runs import LABELS, QUICK


def test_the_curve_has_a_point_per_number_of_cases(a_ct_run, tmp_path, capsys):
    words = ["data-curve", str(a_ct_run.data), "-o", str(tmp_path / "run"), "--sizes", "1,4", "--steps", "6",
             *QUICK, *LABELS, "--json"]  # fmt: skip
    assert main(words) == 0
    done = json.loads(capsys.readouterr().out)
    assert list(done["dice"]) == ["1", "4"]
    assert all(math.isfinite(dice["mean"]) for dice in done["dice"].values())
    with (tmp_path / "run" / "data_curve.csv").open(newline="") as file:
        assert [row["cases"] for row in csv.DictReader(file)] == ["1", "4"]
    assert (tmp_path / "run" / "data_curve.png").read_bytes().startswith(b"\x89PNG")
    words[words.index("1,4")] = "2"
    assert main(words) == 0
    assert list(json.loads(capsys.readouterr().out)["dice"]) == ["2"]
    with (tmp_path / "run" / "data_curve.csv").open(newline="") as file:
        assert [row["cases"] for row in csv.DictReader(file)] == ["1", "2", "4"], "those of before stay"


def test_more_cases_than_there_are_is_wrong_usage(a_ct_run, tmp_path, capsys):
    words = ["data-curve", str(a_ct_run.data), "-o", str(tmp_path / "run"), "--sizes", "1,9", *QUICK, *LABELS]
    assert main(words) == 2
    assert "has 4 cases to train on, not 9" in capsys.readouterr().err
