"""Tables as files and as text."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from BoneSegLib.evaluation.result import Comparison

TEXT_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("dice", "Dice", ".4f"),
    ("hausdorff_mm", "HD mm", ".2f"),
    ("hausdorff95_mm", "HD95 mm", ".2f"),
    ("assd_mm", "ASSD mm", ".3f"),
    ("nsd", "NSD", ".4f"),
    ("volume_reference_ml", "ref ml", ".1f"),
    ("volume_test_ml", "test ml", ".1f"),
    ("volume_difference_percent", "diff %", "+.1f"),
)
"""Columns of a table to be read, with heading and number format; files have them all, at full precision."""


def write_csv(path: Path | str, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows under a header, UTF-8, numbers at full precision (undefined ones as ``nan``), atomically."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    write_atomically(path, text.getvalue())


def write_atomically(path: Path | str, text: str) -> None:
    """Write UTF-8 text; an existing file is replaced only by a complete one. Raises `OutputError`, `ResourceError`."""
    from BoneSegLib.headless.atomic import replacing

    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def format_number(value: float, pattern: str) -> str:
    """A number for people; a dash where it is not defined."""
    return format(value, pattern) if math.isfinite(value) else "–"


def comparison_text(comparison: Comparison) -> str:
    """A comparison as aligned text."""
    table = [["structure", *(heading for _, heading, _ in TEXT_COLUMNS)]]
    for row in comparison.rows:
        numbers = [format_number(getattr(row, column), pattern) for column, _, pattern in TEXT_COLUMNS]
        table.append([comparison.name(row.structure), *numbers])
    notes = ["note", *(row.note for row in comparison.rows)]
    lines = [f"{line}  {note}".rstrip() for line, note in zip(aligned(table, rule=False), notes, strict=True)]
    ruler = "-" * max(len(line) for line in aligned(table, rule=False))
    lines.insert(1, ruler)
    lines.insert(-1, ruler)
    lines += ["", *comparison.remarks]
    definitions = comparison.definitions
    lines.append(
        f"Surface: {definitions['surface']}. Tolerance of NSD: {definitions['tolerance_mm']:g} mm. "
        "Definitions: --json, --report, docs/metrics.md."
    )
    return "\n".join(lines)


def aligned(table: Sequence[Sequence[str]], *, rule: bool = True) -> list[str]:
    """The lines of a table as text, the first column to the left and the others to the right.

    ``rule``: a line below the heads.
    """
    if not table:
        return []
    widths = [max(len(line[n]) for line in table) for n in range(len(table[0]))]
    lines = [
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in table
    ]
    return [lines[0], "-" * len(lines[0]), *lines[1:]] if rule else lines


def _cell(value: object) -> str:
    if value is None:
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)
