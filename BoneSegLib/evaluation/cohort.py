"""The comparisons of many cases: one table, the spread of each metric per bone, the agreement of volumes."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from BoneSegLib.errors import InputError, UsageError
from BoneSegLib.evaluation.agreement import BlandAltman, Distribution, bland_altman, distributions
from BoneSegLib.evaluation.result import COLUMNS, NUMBERS, PAIR, Comparison

Row = dict[str, object]


@dataclass(frozen=True, eq=False)
class Cohort:
    """One row per case and structure: ``case`` and the columns of a comparison; without the mean rows."""

    rows: tuple[Row, ...]

    @classmethod
    def of(cls, comparisons: Mapping[str, Comparison]) -> Cohort:
        """From comparisons by the name of their case."""
        return cls(
            tuple(
                {"case": case, **score.values()}
                for case, comparison in comparisons.items()
                for score in comparison.scores
            )
        )

    @classmethod
    def read(cls, tables: Iterable[Path]) -> Cohort:
        """From the CSV files of ``boneseg compare``, where a case is called as its file, or of many cases together.

        Those have a column ``case``, as `to_csv` and ``boneseg batch`` write it. Raises `InputError`, also for a case
        that comes twice: its bones would count double.
        """
        rows: list[Row] = []
        for path in tables:
            rows += _read_table(path)
        twice = [key for key, count in Counter((row["case"], row["structure"]) for row in rows).items() if count > 1]
        if twice:
            raise InputError(
                f"The case '{twice[0][0]}' comes twice.",
                cause=f"Its {twice[0][1]} has several rows.",
                remedy="Give each table once, and tables of different cases different names.",
            )
        return cls(tuple(rows))

    @property
    def cases(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(row["case"]) for row in self.rows))

    @property
    def structures(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(row["structure"]) for row in self.rows))

    def distributions(self, metric: str) -> list[Distribution]:
        """The spread of one metric over the cases, per structure."""
        return distributions(self.rows, metric)

    def volume_agreement(self, structure: str | None = None) -> BlandAltman | None:
        """Test against reference volumes (ml) of one structure or of all; ``None`` with fewer than two pairs.

        A bone that is missing from either side is left out: its volume of 0 is no measurement.
        """
        pairs = [
            (float(str(row["volume_reference_ml"])), float(str(row["volume_test_ml"])))
            for row in self.rows
            if structure in (None, row["structure"])
        ]
        pairs = [(one, other) for one, other in pairs if one > 0 and other > 0]
        try:
            return bland_altman([one for one, _ in pairs], [other for _, other in pairs])
        except UsageError:
            return None

    def to_csv(self, path: Path | str) -> None:
        """Write the long form (a row per case and structure), atomically."""
        from BoneSegLib.evaluation.tables import write_csv

        write_csv(path, ("case", *COLUMNS), self.rows)


def _read_table(path: Path) -> list[Row]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            missing = set(COLUMNS[:11]) - columns
            found = [row for row in reader if row.get("structure") not in (None, "mean")]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"'{path.name}' cannot be read.", cause=str(error)) from error
    if missing:
        raise InputError(
            f"'{path.name}' is no table of a comparison.",
            cause="Columns are missing: " + ", ".join(sorted(missing)) + ".",
            remedy="Give the CSV files that `boneseg compare` wrote.",
        )
    if columns.issuperset(PAIR):
        raise InputError(
            f"'{path.name}' compares the raters of one case with each other.",
            remedy="Give tables of cases that were compared with a reference each.",
        )
    try:
        return [
            {"case": row.get("case") or path.stem, **{name: _value(name, row.get(name)) for name in COLUMNS}}
            for row in found
        ]
    except ValueError as error:
        raise InputError(f"'{path.name}' holds something that is no number.", cause=str(error)) from error


def _value(name: str, text: str | None) -> object:
    if name not in NUMBERS:
        return text or ""
    return float(text) if text else float("nan")
