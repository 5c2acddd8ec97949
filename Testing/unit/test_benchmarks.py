"""What `make bench` says of runs and labels, how it spends its time, and what the model's card tells."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from BoneSegLib.evaluation.cohort import Cohort
from BoneSegLib.models.catalogue import bundled_models
from BoneSegLib.training.assessment.assess import Assessment
from Testing.benchmarks import card
from Testing.benchmarks.results import EXACT, OURS, REFERENCE, agreement, rows_of
from Testing.benchmarks.runs import Job, Outcome, next_job, run_jobs

SLOW, QUICK = ("full", REFERENCE), ("full", OURS)


def outcome(seconds: float, *, file: Path = Path("none.npz"), peak: float = 1.0) -> Outcome:
    return Outcome(total=seconds, peak=peak, seconds={"network a": 0.75 * seconds}, wall=seconds + 1, file=file)


def test_everything_runs_once_whatever_time_is_left():
    done: dict[Job, list[Outcome]] = {SLOW: [], QUICK: []}
    assert next_job(done, left=-5.0, most=3) == SLOW
    done[SLOW].append(outcome(100))
    assert next_job(done, left=-5.0, most=3) == QUICK
    done[QUICK].append(outcome(10))
    assert next_job(done, left=-5.0, most=3) is None


def test_then_what_had_the_least_time_runs_again_if_it_fits():
    done = {SLOW: [outcome(100)], QUICK: [outcome(10)]}
    assert next_job(done, left=1000.0, most=3) == QUICK
    done[QUICK] += [outcome(10), outcome(10)]
    assert next_job(done, left=1000.0, most=3) == SLOW, "the quick one had its three runs"
    assert next_job(done, left=50.0, most=3) is None
    assert next_job(done, left=50.0, most=4) == QUICK


def test_results_that_are_kept_are_not_measured_again(tmp_path):
    told = {"total": 5.0, "peak": 2.0, "seconds": {}, "wall": 6.0}
    for number in (0, 1):
        (tmp_path / f"{number}-0.json").write_text(json.dumps(told))
    (tmp_path / "1-1.npz").write_bytes(b"cut short: no .json beside it")
    done = run_jobs([SLOW, QUICK], folder=tmp_path, model=tmp_path, volume=tmp_path, until=0.0, most=3)
    assert [[one.total for one in outcomes] for outcomes in done.values()] == [[5.0], [5.0]]


def test_agreement_of_labels_is_what_can_be_counted_by_hand():
    a = np.array([0, 0, 0, 0, 1, 1, 1, 2], dtype=np.uint8)
    b = np.array([0, 0, 0, 1, 1, 1, 2, 2], dtype=np.uint8)
    found = agreement(a, b)
    assert found.everywhere == pytest.approx(6 / 8)
    assert found.bone == pytest.approx(3 / 5)
    assert found.dice == pytest.approx((2 * 2 / 6 + 2 * 1 / 3) / 2)


def test_a_row_tells_the_ratio_of_the_medians_and_its_farthest_ends(tmp_path):
    labels = np.array([[[0, 1], [2, 0]]], dtype=np.uint8)
    file = tmp_path / "labels.npz"
    np.savez(file, labels=labels)
    done = {
        SLOW: [outcome(100, file=file, peak=4.0), outcome(120, file=file)],
        ("full", EXACT): [outcome(20, file=file)],
        QUICK: [outcome(seconds, file=file) for seconds in (8, 10, 12)],
    }
    row = rows_of(done)[-1]
    assert (row.name, row.runs, row.seconds, row.ratio) == (OURS, 3, 10, 11)
    assert row.spread == (100 / 12, 120 / 8)
    assert row.peak_share == 1 / 4
    assert row.outside == pytest.approx(0.25)
    assert row.with_nnunet.dice == row.with_exact.bone == 1.0


def test_the_bundled_models_readme_tells_the_figures_of_its_manifest():
    (model,) = (folder for folder in bundled_models() if folder.name == "boneseg-bones-1")
    told = json.loads((model / "boneseg.json").read_text(encoding="utf-8"))["accuracy"]
    page = (model / "README.md").read_text(encoding="utf-8")
    assert page.split(card.BEGIN)[1].split(card.END)[0].strip() == card.tables(told)


def test_a_card_tells_what_was_measured_and_leaves_the_rest(tmp_path):
    (tmp_path / "boneseg.json").write_text(json.dumps({"name": "x", "accuracy": {"old": 1}, "files": {"a": "b"}}))
    (tmp_path / "README.md").write_text(f"Before\n{card.BEGIN}\nold\n{card.END}\nAfter\n")
    found: dict = {}
    for quality in ("full", "fast"):
        rows = tuple({"case": case, "structure": bone, "dice": dice} for case in card.CASES
                     for bone, dice in (("sacrum", 0.8946), ("hip_left", 0.8), ("hip_right", math.nan)))  # fmt: skip
        steps = tuple({**row, "step": card.NO_DISCS, "dice": 0.5} for row in rows)
        negatives = tuple({"case": name, "total_ml": 1.25} for name in card.NEGATIVES)
        judged, alone = (
            Assessment(model="x", version="1", quality=quality, accuracy=Cohort(of), cleaning=steps, robustness=(),
                       negatives=negatives, plausibility=())
            for of in (rows, rows[:1] + rows[3:4])
        )  # fmt: skip
        card.take(found, quality, judged, alone)
    card.write_card(tmp_path, found)
    told = json.loads((tmp_path / "boneseg.json").read_text())
    assert told["files"] == {"a": "b"}
    assert told["accuracy"]["dice"]["full"][card.CASES["s0009"][1]] == {"sacrum": 0.895, "hip_left": 0.8, "mean": 0.847}
    page = (tmp_path / "README.md").read_text()
    assert page.startswith("Before\n") and page.endswith("After\n") and "old" not in page
    assert "| real CT s0009, `full` | 0.800 | - | 0.895 | - | - | - | - | - | - | - | 0.847 |" in page
    assert "| real CT s0009, `full` | 0.847 | - | 0.500 | - | - | - | - | 0.895 |" in page
    assert "| chest, `fast` | 1.2 ml |" in page
