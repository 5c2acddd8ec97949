"""The report of many comparisons: how each metric spreads per bone, and how well volumes agree."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.evaluation.box_chart import box_chart
from BoneSegLib.evaluation.charts import bland_altman_chart
from BoneSegLib.evaluation.cohort import Cohort
from BoneSegLib.evaluation.definitions import BY_COLUMN
from BoneSegLib.evaluation.raters import METRICS
from BoneSegLib.evaluation.report import html_page
from BoneSegLib.evaluation.tables import format_number, write_atomically

_NAMES = {structure.id: structure.name for structure in STRUCTURES}


def write_cohort_report(path: Path | str, cohort: Cohort, *, names: Mapping[str, str] = _NAMES) -> None:
    """Write one HTML page about ``cohort``; ``names``: structures' names for people by id.

    Raises `OutputError`, `ResourceError`.
    """
    charts = [
        box_chart(cohort.distributions(metric), title=_title(metric), names=names, top=top)
        for metric, _, top in METRICS
    ]
    body = [
        f"<h1>Comparison over {len(cohort.cases)} cases</h1>",
        "<p>Median and quartiles over the cases in which a number is defined. Not for clinical use.</p>",
        _table(cohort, names),
        '<div class="row">',
        *charts,
        "</div>",
        *_agreement(cohort, names),
    ]
    write_atomically(path, html_page("".join(body), title="BoneSeg cohort"))


def _title(metric: str) -> str:
    found = BY_COLUMN[metric]
    return f"{found.title}, {found.unit}" if found.unit else found.title


def _table(cohort: Cohort, names: Mapping[str, str]) -> str:
    spread = {metric: {each.structure: each for each in cohort.distributions(metric)} for metric, _, _ in METRICS}
    heads = "".join(f"<th>{escape(_title(metric))}</th>" for metric, _, _ in METRICS)
    rows = []
    for structure in cohort.structures:
        cells = [f"<td>{spread['dice'][structure].n}</td>"]
        for metric, pattern, _ in METRICS:
            each = spread[metric][structure]
            low, middle, high = (
                format_number(value, pattern) for value in (each.lower_quartile, each.median, each.upper_quartile)
            )
            cells.append(f"<td>{middle} <small>[{low}, {high}]</small></td>")
        rows.append(f"<tr><th>{escape(names.get(structure, structure))}</th>{''.join(cells)}</tr>")
    return f'<div class="wide"><table><tr><th></th><th>n</th>{heads}</tr>{"".join(rows)}</table></div>'


def _agreement(cohort: Cohort, names: Mapping[str, str]) -> list[str]:
    parts = []
    for structure in cohort.structures:
        result = cohort.volume_agreement(structure)
        if result is not None:
            parts.append(bland_altman_chart(result, title=names.get(structure, structure)))
    if not parts:
        return []
    return [
        "<h2>Agreement of volumes (Bland and Altman 1986)</h2>",
        '<p class="small">Bias and 95 % limits of agreement, test minus reference; bones missing from a side are left '
        'out.</p><div class="row">',
        *parts,
        "</div>",
    ]
