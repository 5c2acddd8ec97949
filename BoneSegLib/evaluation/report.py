"""The report of a comparison: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import math
from html import escape
from pathlib import Path

from BoneSegLib._version import __version__
from BoneSegLib.errors import BoneSegError
from BoneSegLib.evaluation.charts import DISTANCE, OVERLAP, bar_chart
from BoneSegLib.evaluation.contours import outline_path, png_uri
from BoneSegLib.evaluation.definitions import METRICS
from BoneSegLib.evaluation.grids import on_grid
from BoneSegLib.evaluation.report_style import REFERENCE_COLOR, STYLE, TEST_COLOR
from BoneSegLib.evaluation.result import Comparison, Score
from BoneSegLib.evaluation.slices import SliceView, worst_slices
from BoneSegLib.evaluation.tables import format_number, write_atomically
from BoneSegLib.volume import LabelMap, Volume

TABLE: tuple[tuple[str, str], ...] = (
    ("dice", ".4f"),
    ("jaccard", ".4f"),
    ("precision", ".4f"),
    ("recall", ".4f"),
    ("nsd", ".4f"),
    ("hausdorff_mm", ".2f"),
    ("hausdorff95_mm", ".2f"),
    ("assd_mm", ".3f"),
    ("centroid_distance_mm", ".2f"),
    ("volume_reference_ml", ".1f"),
    ("volume_test_ml", ".1f"),
    ("volume_difference_percent", "+.1f"),
)


def write_report(
    path: Path | str,
    comparison: Comparison,
    reference: LabelMap,
    test: LabelMap,
    *,
    image: Volume | None = None,
    titles: tuple[str, str] = ("reference", "test"),
    surfaces: bool = True,
) -> list[str]:
    """Write the report of ``comparison``, which was made of ``reference`` and ``test``.

    Returns what had to be left out. ``image``: the CT shown behind the contours. ``titles``: what the two are called.
    ``surfaces``: draw the 3D view; it is left out, with a note, where nothing can be drawn. Raises `OutputError`,
    `ResourceError`.
    """
    moved = on_grid(test, reference.geometry)
    notes: list[str] = []
    view = ""
    if surfaces:
        try:
            view = _surface_view(comparison, reference, moved)
        except (BoneSegError, ImportError) as error:
            notes.append(f"Without the 3D view: {error}")
    slices = [_slice_figure(each, comparison) for each in worst_slices(comparison, reference, moved, image=image)]
    tolerance = comparison.definitions.get("tolerance_mm", math.nan)
    body = [
        "<h1>Comparison of two segmentations</h1>",
        f"<p><b>Reference</b> {escape(titles[0])}<br><b>Test</b> {escape(titles[1])}<br>"
        f"Surface: {comparison.definitions.get('surface', '')}; tolerance of NSD: {tolerance:g} mm. "
        f"BoneSeg {__version__}. Not for clinical use.</p>",
        *(f'<p class="note">{escape(note)}</p>' for note in (*comparison.remarks, *notes)),
        _table(comparison),
        '<div class="row">',
        bar_chart(comparison, OVERLAP, top=1.0),
        bar_chart(comparison, DISTANCE),
        "</div>",
        view,
        *(["<h2>Where they differ most</h2>", _key(), '<div class="slices">', *slices, "</div>"] if slices else []),
        _definitions(comparison),
    ]
    write_atomically(path, html_page("".join(body), title="BoneSeg comparison"))
    return notes


def html_page(body: str, *, title: str) -> str:
    """A whole HTML page around ``body``, in the reports' style."""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def _table(comparison: Comparison) -> str:
    titles = {metric.column: (metric.title, metric.unit, metric.definition) for metric in METRICS}
    heads = "".join(
        f'<th title="{escape(titles[column][2])}">{escape(titles[column][0])}'
        f"{'<br><small>' + titles[column][1] + '</small>' if titles[column][1] else ''}</th>"
        for column, _ in TABLE
    )
    rows = "".join(_row(score, comparison) for score in comparison.rows)
    return f'<div class="wide"><table><tr><th></th>{heads}<th class="text">Note</th></tr>{rows}</table></div>'


def _row(score: Score, comparison: Comparison) -> str:
    cells = []
    for column, pattern in TABLE:
        value = getattr(score, column)
        style = f' style="background:{shade(value)}"' if column in ("dice", "nsd") and math.isfinite(value) else ""
        cells.append(f"<td{style}>{format_number(value, pattern)}</td>")
    kind = ' class="mean"' if score.structure == "mean" else ""
    name = "Mean" if score.structure == "mean" else comparison.name(score.structure)
    return f'<tr{kind}><th>{escape(name)}</th>{"".join(cells)}<td class="text">{escape(score.note)}</td></tr>'


def shade(value: float) -> str:
    """White for 1, the more orange the lower, full at 0.7 and below."""
    lack = min(1.0, max(0.0, (1.0 - value) / 0.3))
    return f"rgba(224,122,31,{0.55 * lack:.2f})"


def _surface_view(comparison: Comparison, reference: LabelMap, test: LabelMap) -> str:
    from BoneSegLib.evaluation.surface_mesh import surface_distance_polydata
    from BoneSegLib.evaluation.surface_view import draw_surfaces

    present = [score for score in comparison.scores if math.isfinite(score.hausdorff_mm)]
    if not present:
        return ""
    limit = _limit_mm([score.hausdorff95_mm for score in present])
    picture = draw_surfaces(
        [surface_distance_polydata(reference, test, score.structure) for score in present], limit_mm=limit
    )
    uri = "data:image/png;base64," + base64.b64encode(picture).decode("ascii")
    return (
        "<h2>The test's surface, coloured by its distance from the reference</h2>"
        f'<img class="view" alt="Surfaces coloured by distance" src="{uri}"/>'
        f'<p class="small">Red: the test lies outside the reference; blue: inside. Distances beyond {limit:g} mm have '
        "the colour of the ends. A structure that is missing from either side is not shown.</p>"
    )


def _limit_mm(values: list[float]) -> float:
    """The end of the colour scale: the median HD95, as a round number from 1 to 10 mm."""
    middle = sorted(values)[len(values) // 2]
    return next((limit for limit in (1.0, 2.0, 3.0, 4.0, 5.0) if middle <= limit), 10.0)


def _key() -> str:
    return (
        f'<p class="small"><span class="line" style="background:{REFERENCE_COLOR}"></span> reference '
        f'<span class="line" style="background:{TEST_COLOR}"></span> test '
        '<span class="line" style="background:#999"></span> other structures of the reference. '
        "The outlines run along the edges of the voxels that were compared.</p>"
    )


def _slice_figure(view: SliceView, comparison: Comparison) -> str:
    rows, columns = view.reference.shape
    width, height = columns * view.pixel_mm[0], rows * view.pixel_mm[1]
    unit = max(width, height) / 100
    picture = (
        ""
        if view.image is None
        else (f'<image width="{columns}" height="{rows}" preserveAspectRatio="none" href="{png_uri(view.image)}"/>')
    )
    lines = "".join(
        f'<path d="{outline_path(mask)}" stroke="{color}" stroke-width="{weight}" fill="none" '
        'vector-effect="non-scaling-stroke" stroke-linecap="square"/>'
        for mask, color, weight in (
            (view.others, "#999", 1),
            (view.reference, REFERENCE_COLOR, 4),  # wide enough to be seen where the test's line lies on it
            (view.test, TEST_COLOR, 1.5),
        )
    )
    places = ((2, 50), (98, 50), (50, 4), (50, 98))
    letters = "".join(
        f'<text x="{x * width / 100:.1f}" y="{y * height / 100 + unit:.1f}" font-size="{4.5 * unit:.1f}" '
        f'text-anchor="middle">{side}</text>'
        for (x, y), side in zip(places, view.sides, strict=True)
    )
    background = "#000" if view.image is not None else "#f4f4f2"
    return (
        f'<figure><svg viewBox="0 0 {width:.2f} {height:.2f}" class="slice" style="background:{background}">'
        f'<g transform="scale({view.pixel_mm[0]:.6g} {view.pixel_mm[1]:.6g})">{picture}{lines}</g>'
        f'<g fill="{"#fff" if view.image is not None else "#666"}">{letters}</g></svg>'
        f"<figcaption><b>{escape(comparison.name(view.structure))}</b>, {view.plane}, slice {view.number}: "
        f"{view.area_mm2 / 100:.1f} cm² differ</figcaption></figure>"
    )


def _definitions(comparison: Comparison) -> str:
    surface = escape(str(comparison.definitions.get("surface_definition", "")))
    rows = "".join(f"<dt>{escape(metric.title)}</dt><dd>{escape(metric.definition)}</dd>" for metric in METRICS)
    policy = comparison.definitions.get("policy", [])
    points = "".join(f"<li>{escape(str(each))}</li>" for each in policy) if isinstance(policy, list) else ""
    return f"<h2>Definitions</h2><p>{surface}</p><dl>{rows}</dl><ul>{points}</ul>"
