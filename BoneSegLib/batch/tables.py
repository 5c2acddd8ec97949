"""The numbers of all cases in one file each: statistics and comparisons."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from BoneSegLib.batch.folder import OutputFolder
from BoneSegLib.batch.record import DONE, Record, read_record
from BoneSegLib.evaluation.result import COLUMNS as SCORE_COLUMNS
from BoneSegLib.headless.atomic import replacing


def read_done(folder: OutputFolder, names: Sequence[str]) -> Iterator[Record]:
    """The records of the cases that were done, one after the other: thousands need not be in memory."""
    for name in names:
        record = read_record(folder.record(name))
        if record is not None and record.status == DONE:
            yield record


def write_statistics(folder: OutputFolder, names: Sequence[str]) -> Path | None:
    """``statistics.csv``: a row for each structure of each case. ``None`` where no case was done."""
    from BoneSegLib.scene.statistics_columns import COLUMNS

    rows = (
        {"case": record.case, **dict.fromkeys(COLUMNS), **row}
        for record in read_done(folder, names)
        for row in record.statistics
    )
    return _write(folder.root / "statistics.csv", ("case", *COLUMNS), rows)


def write_comparison(folder: OutputFolder, names: Sequence[str]) -> Path | None:
    """``comparison.csv``: a row for each structure of each case that has a reference; ``None`` where none has."""
    rows = (
        {"case": record.case, **dict.fromkeys(SCORE_COLUMNS), **row}
        for record in read_done(folder, names)
        for row in record.scores()
    )
    return _write(folder.root / "comparison.csv", ("case", *SCORE_COLUMNS), rows)


def _write(path: Path, columns: Sequence[str], rows: Iterator[dict[str, object]]) -> Path | None:
    """Row by row, since a million of them need not be in memory; numbers at full precision."""
    first = next(rows, None)
    if first is None:
        path.unlink(missing_ok=True)
        return None
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in chain([first], rows):
            writer.writerow(["" if row[column] is None else row[column] for column in columns])
    return path
