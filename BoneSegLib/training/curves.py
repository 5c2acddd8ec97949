"""The curves of a training: losses and Dice over the steps, as CSV and as a picture."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path

from BoneSegLib.report.line_chart import Line, write_line_chart

CURVE, VALIDATION, PICTURE = "curve.csv", "validation.csv", "curve.png"


def append_row(path: Path, row: Mapping[str, object]) -> None:
    """One more row; the header comes with the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _cut_half_line(path)
    is_new = not path.exists() or not path.stat().st_size
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def read_rows(path: Path) -> list[dict[str, float]]:
    """The rows by step. A training that was killed repeats some steps: the later row of a step counts."""
    if not path.exists():
        return []
    rows: dict[int, dict[str, float]] = {}
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        for row in csv.DictReader(file):
            try:
                numbers = {name: float(value) for name, value in row.items()}
                rows[int(numbers["step"])] = numbers
            except (TypeError, ValueError):
                continue  # a kill left half a line behind, maybe with another one glued to it
    return [rows[step] for step in sorted(rows)]


def _cut_half_line(path: Path) -> None:
    """A kill may have left half a line at the end, which the next row would be glued to."""
    if path.exists() and not (content := path.read_bytes()).endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def draw_curves(folder: Path, *, title: str) -> Path | None:
    """``curve.png`` of a training's folder, or ``None`` where there is nothing to draw yet."""
    training, validation = read_rows(folder / CURVE), read_rows(folder / VALIDATION)
    lines = []
    if training:
        steps = [row["step"] for row in training]
        lines.append(Line("Dice loss", steps, [row["dice_loss"] for row in training]))
        lines.append(Line("cross-entropy", steps, [row["cross_entropy"] for row in training]))
    if validation:
        steps = [row["step"] for row in validation]
        lines.append(Line("Dice, held out", steps, [row["dice"] for row in validation], marks=True))
    if not lines:
        return None
    highest = max(1.0, *(value for line in lines for value in line.y))
    write_line_chart(folder / PICTURE, lines, title=title, x_title="step", y_title="loss, Dice", y_range=(0, highest))
    return folder / PICTURE
