"""`boneseg segment --report`: what was found, at a glance."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from BoneSegLib.errors import BoneSegError
from BoneSegLib.evaluation.contours import png_uri
from BoneSegLib.evaluation.report_style import STYLE
from BoneSegLib.evaluation.tables import write_atomically
from BoneSegLib.report.pictures import SIDES, TITLES, bone_surfaces, slice_pictures
from BoneSegLib.volume import LabelMap, Volume

_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("volume_cm3", "Volume, cm3", ".1f"),
    ("surface_mm2", "Surface, mm2", ".0f"),
    ("feret_mm", "Greatest length, mm", ".1f"),
    ("hu_mean", "Mean HU", ".0f"),
    ("hu_sd", "SD of HU", ".0f"),
    ("confidence", "Confidence", ".2f"),
)


def write_run_report(
    path: Path | str, volume: Volume, labels: LabelMap, rows: Sequence[Mapping[str, object]], *, title: str
) -> None:
    """Writes the page. ``rows``: the statistics, one row per structure. Raises `OutputError`, `ResourceError`."""
    notes = [str(note) for note in _list(labels.info.get("notes"))]
    body = [
        f"<h1>Bones in {escape(title)}</h1>",
        f"<p>{escape(describe_provenance(labels.info))}<br>Not for clinical use.</p>",
    ]
    pictures = slice_pictures(volume, labels)
    body += ['<div class="slices">']
    for name, (left, right), picture in zip(TITLES, SIDES, pictures, strict=True):
        body.append(f'<figure><div class="sides"><img class="view" alt="{name}" src="{png_uri(picture)}"/>')
        body.append(f"<b>{left}</b><b>{right}</b></div><figcaption>{name}</figcaption></figure>")
    body += ["</div>"]
    try:
        body.append(_view(labels))
    except (BoneSegError, ImportError) as error:
        notes.append(f"Without the 3D view: {error}")
    body += [f'<p class="note">{escape(note)}</p>' for note in notes]
    body.append(_table(rows))
    page = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>BoneSeg</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body>{''.join(body)}</body></html>\n"
    )
    write_atomically(path, page)


def describe_provenance(info: Mapping[str, object]) -> str:
    """One line: what made the result and how long it took."""
    versions = info.get("versions")
    version = versions.get("boneseg", "") if isinstance(versions, Mapping) else ""
    return (
        f"BoneSeg {version}, model {info.get('model')} {info.get('model_version')}, quality {info.get('quality')}, "
        f"{info.get('device')} in {info.get('precision')}, {float(str(info.get('seconds_total', 0))):.1f} s, "
        f"{info.get('date')}"
    )


def _view(labels: LabelMap) -> str:
    from BoneSegLib.evaluation.surface_view import draw_surfaces

    surfaces = bone_surfaces(labels)
    if not surfaces:
        return "<p>None of the bones was found.</p>"
    picture = base64.b64encode(draw_surfaces(surfaces)).decode("ascii")
    return (
        f'<h2>In 3D</h2><figure><img class="view" alt="The bones in 3D" src="data:image/png;base64,{picture}"/>'
        "<figcaption>From the front, the patient's right is on the left; from the back, on the right.</figcaption>"
        "</figure>"
    )


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    heads = "".join(f"<th>{escape(title)}</th>" for _, title, _ in _COLUMNS)
    lines = []
    for row in rows:
        cells = "".join(f"<td>{_cell(row.get(column), pattern)}</td>" for column, _, pattern in _COLUMNS)
        remark = str(row.get("remark") or ("" if row.get("voxels") else "not found"))
        lines.append(f'<tr><th>{escape(str(row["name"]))}</th>{cells}<td class="text">{escape(remark)}</td></tr>')
    first = f'<tr><th></th>{heads}<th class="text">Remark</th></tr>'
    return f'<h2>Measures</h2><div class="wide"><table>{first}{"".join(lines)}</table></div>'


def _cell(value: object, pattern: str) -> str:
    return "" if value is None else format(float(str(value)), pattern)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []
