"""The report of several segmentations of one image: who agrees with whom, and about which bones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from pathlib import Path

from BoneSegLib._version import __version__
from BoneSegLib.evaluation.box_chart import box_chart
from BoneSegLib.evaluation.definitions import BY_COLUMN
from BoneSegLib.evaluation.raters import METRICS, RaterTable
from BoneSegLib.evaluation.report import html_page, shade
from BoneSegLib.evaluation.tables import format_number, write_atomically


def write_raters_report(path: Path | str, found: RaterTable) -> None:
    """Write one HTML page: a table of raters by raters for each metric, and how it spreads over the pairs per bone.

    Raises `OutputError`, `ResourceError`.
    """
    first = next(iter(found.comparisons.values()))
    tolerance = first.definitions.get("tolerance_mm", math.nan)
    remarks = dict.fromkeys(
        f"{one} and {other}: {remark}"
        for (one, other), comparison in found.comparisons.items()
        for remark in comparison.remarks
    )
    body = [
        f"<h1>Agreement of {len(found.raters)} segmentations</h1>",
        f"<p>{len(found.comparisons)} pairs, the earlier one as the reference. Surface: "
        f"{escape(str(first.definitions.get('surface', '')))}; tolerance of NSD: {tolerance:g} mm. "
        f"BoneSeg {__version__}. Not for clinical use.</p>",
        *(f'<p class="note">{escape(remark)}</p>' for remark in remarks),
        *(_matrix(found, metric, pattern) for metric, pattern, _top in METRICS),
        "<h2>Bone by bone, over the pairs</h2>",
        '<div class="row">',
        *(
            box_chart(found.distributions(metric), title=_title(metric), names=found.names, top=top)
            for metric, _pattern, top in METRICS
        ),
        "</div>",
        _definitions(),
    ]
    write_atomically(path, html_page("".join(body), title="BoneSeg agreement"))


def _matrix(found: RaterTable, metric: str, pattern: str) -> str:
    table = found.matrix(metric)
    heads = "".join(f"<th>{escape(name)}</th>" for name in found.raters)
    rows = []
    for name in found.raters:
        cells = "".join(_cell(table[name], other, metric, pattern) for other in found.raters)
        rows.append(f"<tr><th>{escape(name)}</th>{cells}</tr>")
    title = f"{_title(metric)}, mean over the bones"
    return f'<h2>{escape(title)}</h2><div class="wide"><table><tr><th></th>{heads}</tr>{"".join(rows)}</table></div>'


def _cell(row: Mapping[str, float], other: str, metric: str, pattern: str) -> str:
    if other not in row:
        return "<td></td>"
    value = row[other]
    colored = metric in ("dice", "nsd") and math.isfinite(value)
    style = f' style="background:{shade(value)}"' if colored else ""
    return f"<td{style}>{format_number(value, pattern)}</td>"


def _title(metric: str) -> str:
    found = BY_COLUMN[metric]
    return f"{found.title}, {found.unit}" if found.unit else found.title


def _definitions() -> str:
    told = [BY_COLUMN[metric] for metric, _pattern, _top in METRICS]
    rows = "".join(f"<dt>{escape(each.title)}</dt><dd>{escape(each.definition)}</dd>" for each in told)
    return f"<h2>Definitions</h2><dl>{rows}</dl>"
