"""The parts of the cohort's report: charts of the bones, agreement with references, cases to look at."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from BoneSegLib.batch.cohort import Cohort, outlying
from BoneSegLib.batch.concerns import RULES, Concern
from BoneSegLib.batch.folder import OutputFolder
from BoneSegLib.batch.strips import MOST_DOTS, Dot, log_axis, share_axis, strip_chart
from BoneSegLib.evaluation.agreement import BlandAltman, bland_altman
from BoneSegLib.evaluation.charts import bland_altman_chart

MOST_PICTURES = 24


def look_first(concerns: Sequence[Concern], folder: OutputFolder) -> str:
    """The weightiest cases with their pictures; the file stays of a size that a browser opens."""
    if not concerns:
        return "<h2>To look at first</h2><p>No case stands out.</p>"
    cards = "".join(_card(concern, folder) for concern in concerns[:MOST_PICTURES])
    more = len(concerns) - MOST_PICTURES
    rest = f'<p class="small">{more} more cases have remarks; the table below lists them.</p>' if more > 0 else ""
    return f'<h2>To look at first</h2><p class="small">{RULES}</p><div class="cards">{cards}</div>{rest}'


def _card(concern: Concern, folder: OutputFolder) -> str:
    path = folder.picture(concern.case)
    picture = ""
    if path.is_file():
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        picture = f'<img alt="{escape(concern.case)}" src="data:image/png;base64,{data}"/>'
    shown = "".join(f"<li>{escape(reason)}</li>" for reason in concern.reasons[:6])
    if len(concern.reasons) > 6:
        shown += f"<li>and {len(concern.reasons) - 6} more</li>"
    return f"<figure>{picture}<figcaption><b>{escape(concern.case)}</b><ul>{shown}</ul></figcaption></figure>"


def volume_chart(cohort: Cohort) -> str:
    """The volumes of each bone over all cases."""
    rows = []
    for structure in cohort.structures:
        bones = [bone for bone in cohort.of_structure(structure["id"]) if bone.volume_ml > 0]
        whole = [bone for bone in bones if bone.is_whole]
        far = {bone.case for bone, is_far in zip(whole, outlying([b.volume_ml for b in whole]), strict=True) if is_far}
        dots = [Dot(bone.volume_ml, bone.case, not bone.is_whole, bone.case in far) for bone in bones]
        rows.append((str(structure["name"]), dots))
    values = [dot.value for _, dots in rows for dot in dots]
    if not values:
        return "<h2>Volumes</h2><p>None of the bones was found in any case.</p>"
    chart = strip_chart(rows, log_axis(values, "Volume, ml (logarithmic)"))
    return (
        f'<h2>Volumes</h2>{chart}<p class="small">A dot for each case{_thinned(rows)}, the box from the lower to '
        "the upper quartile, the line at the median. Orange: far from the others. Hollow: cut by the field of view, "
        "not counted.</p>"
    )


def _thinned(rows: Sequence[tuple[str, Sequence[Dot]]]) -> str:
    many = any(len(dots) > MOST_DOTS for _, dots in rows)
    return f" (at most {MOST_DOTS} of a bone are drawn, and all counted)" if many else ""


def agreement_section(cohort: Cohort) -> str:
    """Dice and the agreement of volumes, where there are references."""
    rows = []
    for structure in cohort.structures:
        bones = [(bone, bone.dice) for bone in cohort.of_structure(structure["id"]) if bone.dice is not None]
        far = outlying([dice for _, dice in bones])
        rows.append(
            (
                str(structure["name"]),
                [Dot(dice, bone.case, is_far=is_far) for (bone, dice), is_far in zip(bones, far, strict=True)],
            )
        )
    values = [dot.value for _, dots in rows for dot in dots]
    if not values:
        return ""
    chart = strip_chart([row for row in rows if row[1]], share_axis(values, "Dice with the reference"))
    return f"<h2>Agreement with the references</h2>{chart}{_volume_agreement(cohort)}"


def _volume_agreement(cohort: Cohort) -> str:
    results: list[tuple[str, BlandAltman]] = []
    for structure in cohort.structures:
        pairs = [
            (bone.reference_ml, bone.volume_ml)
            for bone in cohort.of_structure(structure["id"])
            if bone.reference_ml and bone.volume_ml > 0
        ]
        if len(pairs) >= 3:
            result = bland_altman([one for one, _ in pairs], [other for _, other in pairs])
            results.append((str(structure["name"]), result))
    if not results:
        return ""
    heads = "".join(
        f"<th>{title}</th>" for title in ("Cases", "Bias, ml", "Limits of agreement, ml", "95 % interval of the bias")
    )
    lines = "".join(
        f"<tr><th>{escape(name)}</th><td>{one.n}</td><td>{one.bias:+.2f}</td>"
        f"<td>{one.lower:+.2f} to {one.upper:+.2f}</td>"
        f"<td>{one.bias_interval[0]:+.2f} to {one.bias_interval[1]:+.2f}</td></tr>"
        for name, one in results
    )
    charts = "".join(bland_altman_chart(one, unit="ml", title=name) for name, one in results if one.n <= MOST_DOTS)
    return (
        "<h2>Agreement of volumes (Bland-Altman)</h2>"
        f'<div class="wide"><table><tr><th></th>{heads}</tr>{lines}</table></div>'
        f'<div class="row agreement">{charts}</div>'
    )
