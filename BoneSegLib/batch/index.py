"""`cases.csv` and `cases.json`: one line for each case, up to date after every one of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from BoneSegLib.batch.record import Record
from BoneSegLib.evaluation.tables import write_atomically, write_csv

COLUMNS = (
    "case",
    "status",
    "output",
    "found",
    "flagged",
    "mean_dice",
    "seconds",
    "error",
    "message",
    "cause",
    "remedy",
    "notes",
    "image",
    "series",
    "reference",
)


def index_row(record: Record) -> dict[str, Any]:
    """The line of a case: small, so that thousands of them are written again after every case."""
    error = record.error or {}
    return {
        "case": record.case,
        "status": record.status,
        "output": record.output,
        "found": record.found if record.statistics else None,
        "flagged": len(record.flags) if record.statistics else None,
        "mean_dice": record.mean_dice,
        "seconds": round(record.seconds_total, 2) if record.seconds_total else None,
        "error": error.get("kind"),
        "message": error.get("message"),
        "cause": error.get("cause"),
        "remedy": error.get("remedy"),
        "notes": " ".join(record.notes),
        "image": record.image,
        "series": record.series,
        "reference": record.reference,
    }


def write_index(rows: Iterable[dict[str, Any]], folder: Path) -> None:
    """Writes both files, each whole or not at all. Raises `OutputError`, `ResourceError`."""
    rows = list(rows)
    write_csv(folder / "cases.csv", COLUMNS, rows)
    write_atomically(folder / "cases.json", json.dumps({"cases": rows}, default=float, indent=1) + "\n")
