"""An assessment on disk: tables, curves, and one page that sums them up."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from BoneSegLib.evaluation.cohort import Cohort
from BoneSegLib.evaluation.tables import write_atomically, write_csv
from BoneSegLib.report.line_chart import Line, write_line_chart
from BoneSegLib.training.assessment.assess import Assessment, Row, mean_of
from BoneSegLib.training.assessment.distortions import DISTORTIONS

_SLIVER_ML = 2.0
"""Of less than that, where a field of view ends, Dice says little."""


def write_assessment(assessment: Assessment, folder: Path) -> dict[str, object]:
    """Writes what there is: accuracy.csv, postprocessing.csv, robustness.csv and its pictures, negatives.csv,
    plausibility.csv, then summary.json and report.md. Returns the summary."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = summarise(assessment)
    if assessment.accuracy.rows:
        assessment.accuracy.to_csv(folder / "accuracy.csv")
    for name, rows in (
        ("postprocessing.csv", assessment.cleaning),
        ("robustness.csv", assessment.robustness),
        ("negatives.csv", assessment.negatives),
        ("plausibility.csv", assessment.plausibility),
    ):
        if rows:
            write_csv(folder / name, list(rows[0]), rows)
    for kind in dict.fromkeys(str(row["kind"]) for row in assessment.robustness):
        _draw_robustness(assessment.robustness, kind, folder / f"robustness_{kind}.png")
    write_atomically(folder / "summary.json", json.dumps(_plain(summary), indent=2) + "\n")
    write_atomically(folder / "report.md", _markdown(assessment, summary))
    return summary


def summarise(assessment: Assessment) -> dict[str, object]:
    """The means: what goes onto a model card."""
    cohort = assessment.accuracy
    return {
        "model": assessment.model,
        "version": assessment.version,
        "quality": assessment.quality,
        "cases": list(cohort.cases),
        "accuracy": {
            metric: {one.structure: one.mean for one in cohort.distributions(metric) if one.n}
            for metric in ("dice", "hausdorff95_mm", "assd_mm")
        },
        "mean_dice": mean_of([one.mean for one in cohort.distributions("dice")]),
        "dice_by_case": _by_case(cohort),
        "postprocessing": _means(assessment.cleaning, "step"),
        "robustness": {
            kind: _means([row for row in assessment.robustness if row["kind"] == kind], "level")
            for kind in dict.fromkeys(str(row["kind"]) for row in assessment.robustness)
        },
        "false_positive_ml": {str(row["case"]): row["total_ml"] for row in assessment.negatives},
        "dense_share": {
            str(row["case"]): row["dense_share"] for row in assessment.plausibility if row["structure"] == "all"
        },
    }


def _by_case(cohort: Cohort) -> dict[str, float]:
    """Of the cases' mean Dice the mean and the median; and the mean without slivers, of which one voxel decides, and
    without what the reference does not have at all."""
    cases = _means(cohort.rows, "case").values()
    parts = [row for row in cohort.rows if float(str(row["volume_reference_ml"])) >= _SLIVER_ML]
    return {
        "mean": mean_of(list(cases)),
        "median": statistics.median(cases) if cases else math.nan,
        f"mean_of_{_SLIVER_ML:g}_ml_or_more": mean_of(list(_means(parts, "case").values())),
    }


def _means(rows: Iterable[Row], key: str) -> dict[str, float]:
    """Mean Dice over cases and structures, by the value of a column."""
    found: dict[str, list[float]] = {}
    for row in rows:
        value = row[key]
        found.setdefault(f"{value:g}" if isinstance(value, float) else str(value), []).append(float(str(row["dice"])))
    return {value: mean_of(dice) for value, dice in found.items()}


def _draw_robustness(rows: Sequence[Row], kind: str, path: Path) -> None:
    """The mean over cases: of all structures, and of the one that suffers most."""
    own = [row for row in rows if row["kind"] == kind]
    levels = sorted({float(str(row["level"])) for row in own})
    structures = dict.fromkeys(str(row["structure"]) for row in own)

    def curve(wanted: Iterable[str]) -> list[float]:
        names = set(wanted)
        return [
            mean_of([float(str(row["dice"])) for row in own if row["level"] == level and row["structure"] in names])
            for level in levels
        ]

    each = {name: curve([name]) for name in structures}
    shown = {name: values for name, values in each.items() if any(math.isfinite(value) for value in values)}
    lines = [Line("mean", levels, curve(structures), marks=True)]
    if len(shown) > 1:
        worst = min(shown, key=lambda name: mean_of(shown[name]))
        lines.append(Line(worst, levels, shown[worst], marks=True))
    title = DISTORTIONS[kind].title
    write_line_chart(path, lines, title=title, x_title=title, y_title="Dice", y_range=(0.0, 1.0))


def _markdown(assessment: Assessment, summary: dict[str, object]) -> str:
    parts = [
        f"# What {assessment.model} {assessment.version} reaches\n",
        f"Quality `{assessment.quality}`. Not for clinical use. Definitions: docs/metrics.md of BoneSeg.\n",
    ]
    if assessment.accuracy.rows:
        parts += [
            "## Against references\n",
            f"Mean Dice {_number(summary['mean_dice'])} over structures. {_told_by_case(assessment.accuracy)}\n",
        ]
        for metric, title in (("dice", "Dice"), ("hausdorff95_mm", "HD95, mm"), ("assd_mm", "ASSD, mm")):
            parts += [f"{title}:\n", _table(_by_structure(assessment.accuracy, metric), digits=2)]
    if assessment.cleaning:
        rows = [{"step": step, "mean Dice": dice} for step, dice in _means(assessment.cleaning, "step").items()]
        told = "Mean over all structures of all cases. What each step is: docs/training.md of BoneSeg.\n"
        parts += ["## Post-processing\n", told, _table(rows, digits=4)]
    for kind in dict.fromkeys(str(row["kind"]) for row in assessment.robustness):
        own = [row for row in assessment.robustness if row["kind"] == kind]
        title = DISTORTIONS[kind].title
        rows = [{title: level, "mean Dice": dice} for level, dice in _means(own, "level").items()]
        parts += [f"## {title}\n", f"![{title}](robustness_{kind}.png)\n", _table(rows)]
    if assessment.negatives:
        parts += ["## False positives, ml, on images that show none of the structures\n", _table(assessment.negatives)]
    if assessment.plausibility:
        told = "`dense_share`: of the voxels above 250 HU in the boxes around what was found, how many are labelled.\n"
        parts += ["## Plausibility without labels\n", told, _table(assessment.plausibility)]
    return "\n".join(parts)


def _told_by_case(cohort: Cohort) -> str:
    mean, median, without = map(_number, _by_case(cohort).values())
    return (
        f"Over cases: mean {mean}, median {median}; mean {without} of structures of which the reference has "
        f"{_SLIVER_ML:g} ml or more."
    )


def _by_structure(cohort: Cohort, metric: str) -> list[Row]:
    """A row per case with a column per structure, and the mean."""
    found = {(row["case"], row["structure"]): float(str(row[metric])) for row in cohort.rows}
    rows: list[Row] = []
    for case in cohort.cases:
        each = {name: found.get((case, name), math.nan) for name in cohort.structures}
        rows.append({"case": case, **each, "mean": mean_of(list(each.values()))})
    return rows


def _table(rows: Sequence[Row], *, digits: int = 3) -> str:
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_number(row[column], digits) for column in columns) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _number(value: object, digits: int = 3) -> str:
    if isinstance(value, float):
        return f"{value:.{digits}f}" if math.isfinite(value) else "–"
    return str(value)


def _plain(value: object) -> object:
    """For JSON: an undefined number is ``None``."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
