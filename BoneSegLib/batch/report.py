"""`report.html`: the cohort at a glance, in one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from BoneSegLib.batch.cohort import Cohort, collect
from BoneSegLib.batch.concerns import Concern, concerns_of
from BoneSegLib.batch.folder import OutputFolder
from BoneSegLib.batch.progress import readable_time
from BoneSegLib.batch.record import DONE, FAILED
from BoneSegLib.batch.report_parts import agreement_section, look_first, volume_chart
from BoneSegLib.batch.tables import read_done
from BoneSegLib.evaluation.report_style import STYLE
from BoneSegLib.evaluation.tables import write_atomically

MOST_ROWS = 2000
"""Of each table. Files tell of all cases; the page must open in a browser."""

_OWN_STYLE = """
.numbers { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; }
.numbers div { border: 1px solid #e4e4e0; border-radius: 6px; padding: .4rem .9rem; min-width: 5.5rem; }
.numbers b { display: block; font-size: 1.4rem; line-height: 1.3; }
.numbers .bad b { color: #b4500a; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 1.2rem; }
.cards figure { border: 1px solid #e4e4e0; border-radius: 6px; overflow: hidden; }
.cards img { display: block; width: 100%; height: 190px; object-fit: contain; background: #000; }
.cards figcaption { padding: .2rem .8rem .6rem; overflow-wrap: anywhere; }
.cards ul { margin: .2rem 0 0; padding-left: 1.1rem; font-size: 13px; }
.strips { width: 100%; max-width: 900px; display: block; }
.cases td.text, .failed td.text { overflow-wrap: anywhere; }
.cases tr + tr th { white-space: normal; overflow-wrap: anywhere; min-width: 10rem; }
.cases td { white-space: nowrap; }
.cases td.text { white-space: normal; }
.agreement { gap: 1rem .6rem; }
.agreement .chart { flex: 1 1 340px; max-width: 372px; }
"""


def write_cohort_report(folder: OutputFolder, rows: Sequence[dict[str, Any]]) -> Path:
    """Writes the page from the index and the records. Raises `OutputError`, `ResourceError`."""
    cohort = collect(read_done(folder, [str(row["case"]) for row in rows]))
    concerns = concerns_of(cohort)
    body = [
        "<h1>Bones of a cohort</h1>",
        _about(cohort),
        _numbers(cohort, rows, concerns),
        _failures(rows),
        look_first(concerns, folder),
        volume_chart(cohort),
        agreement_section(cohort),
        _table(rows, concerns),
    ]
    path = folder.root / "report.html"
    write_atomically(
        path,
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>BoneSeg cohort</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}{_OWN_STYLE}</style></head>'
        f"<body>{''.join(body)}</body></html>\n",
    )
    return path


def _about(cohort: Cohort) -> str:
    info = cohort.info
    if not info:
        return "<p>No case is done yet. Not for clinical use.</p>"
    version = (info.get("versions") or {}).get("boneseg", "")
    model = f"{info.get('model')} {info.get('model_version') or ''}".strip()
    return (
        f"<p>BoneSeg {escape(str(version))}, model {escape(model)}, quality {escape(str(info.get('quality')))}, "
        f"{escape(str(info.get('device')))} in {escape(str(info.get('precision')))}, {escape(str(info.get('date')))}. "
        "Not for clinical use.</p>"
    )


def _numbers(cohort: Cohort, rows: Sequence[dict[str, Any]], concerns: Sequence[Concern]) -> str:
    done, failed = (sum(row["status"] == status for row in rows) for status in (DONE, FAILED))
    waiting = len(rows) - done - failed
    seconds = [row["seconds"] for row in rows if row["status"] == DONE and row["seconds"]]
    tiles = [("cases", str(len(rows)), ""), ("done", str(done), ""), ("failed", str(failed), "bad" if failed else "")]
    if waiting:
        tiles.append(("waiting", str(waiting), ""))
    tiles.append(("to look at", str(len(concerns)), ""))
    if seconds:
        tiles.append(("a case", readable_time(sum(seconds) / len(seconds)), ""))
    dice = [bone.dice for bone in cohort.bones if bone.dice is not None]
    if dice:
        tiles.append(("mean Dice", f"{sum(dice) / len(dice):.3f}", ""))
    shown = "".join(f'<div class="{kind}"><b>{value}</b>{name}</div>' for name, value, kind in tiles)
    return f'<div class="numbers">{shown}</div>'


def _failures(rows: Sequence[dict[str, Any]]) -> str:
    failed = [row for row in rows if row["status"] == FAILED]
    if not failed:
        return ""
    lines = "".join(
        f"<tr><th>{escape(row['case'])}</th>"
        + "".join(
            f'<td class="text">{escape(str(row[name] or ""))}</td>' for name in ("error", "message", "cause", "remedy")
        )
        + "</tr>"
        for row in failed[:MOST_ROWS]
    )
    heads = "".join(f'<th class="text">{title}</th>' for title in ("Kind", "What is wrong", "Why", "What to do"))
    return f'<h2>Failed</h2><div class="wide failed"><table><tr><th>Case</th>{heads}</tr>{lines}</table></div>' + _more(
        failed
    )


def _table(rows: Sequence[dict[str, Any]], concerns: Sequence[Concern]) -> str:
    reasons = {concern.case: concern.reasons for concern in concerns}
    has_dice = any(row["mean_dice"] is not None for row in rows)
    heads = "<th>Found</th>" + ("<th>Mean Dice</th>" if has_dice else "") + "<th>Time</th>"
    lines = []
    # The weightiest first where not all can be shown.
    shown = rows if len(rows) <= MOST_ROWS else sorted(rows, key=lambda row: str(row["case"]) not in reasons)
    for row in shown[:MOST_ROWS]:
        name = escape(str(row["case"]))
        link = f'<a href="{quote(str(row["output"]))}">{name}</a>' if row["output"] else name
        dice = f"<td>{row['mean_dice']:.3f}</td>" if row["mean_dice"] is not None else "<td></td>"
        told = [*reasons.get(str(row["case"]), ()), row["notes"], row["message"]]
        remarks = "; ".join(text for text in told if text)
        lines.append(
            f"<tr><th>{link}</th><td>{row['status']}</td><td>{'' if row['found'] is None else row['found']}</td>"
            f"{dice if has_dice else ''}<td>{readable_time(row['seconds']) if row['seconds'] else ''}</td>"
            f'<td class="text">{escape(remarks)}</td></tr>'
        )
    return (
        f'<h2>All cases</h2><div class="wide cases"><table><tr><th>Case</th><th>Status</th>{heads}'
        f'<th class="text">Remarks</th></tr>{"".join(lines)}</table></div>{_more(rows)}'
    )


def _more(rows: Sequence[dict[str, Any]]) -> str:
    left_out = len(rows) - MOST_ROWS
    return f'<p class="small">{left_out} more are in cases.csv.</p>' if left_out > 0 else ""
