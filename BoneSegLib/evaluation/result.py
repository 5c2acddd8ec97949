"""The outcome of a comparison: one row per structure, their mean, and what the numbers mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from BoneSegLib.anatomy import STRUCTURES, Structure

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Score:
    """One structure compared. ``nan`` where a number is not defined; then ``note`` says why.

    The order of the fields is the order of the columns in files; the first eleven are the interface.
    """

    structure: str
    dice: float = NAN
    jaccard: float = NAN
    hausdorff_mm: float = NAN
    hausdorff95_mm: float = NAN
    assd_mm: float = NAN
    nsd: float = NAN
    volume_reference_ml: float = NAN
    volume_test_ml: float = NAN
    volume_difference_percent: float = NAN
    note: str = ""
    precision: float = NAN
    recall: float = NAN
    centroid_distance_mm: float = NAN
    masd_mm: float = NAN
    distance_reference_to_test_mm: float = NAN
    distance_test_to_reference_mm: float = NAN
    label: int | None = None

    def values(self) -> dict[str, str | float | int | None]:
        """Column name to value, in the order of the columns."""
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS: tuple[str, ...] = tuple(each.name for each in fields(Score))
PAIR = ("rater_reference", "rater_test")
"""The further columns of a table of pairs."""
NUMBERS: tuple[str, ...] = tuple(name for name in COLUMNS if name not in ("structure", "note", "label"))


@dataclass(frozen=True, eq=False)
class Comparison:
    """All structures of a comparison.

    ``scores``: in label order. ``definitions``: what each number means (`definitions.definitions`). ``structures``:
    what was compared, in the order of the scores. ``remarks``: what concerns the whole comparison (grids, mask, unknown
    labels).
    """

    scores: tuple[Score, ...]
    definitions: dict[str, object] = field(default_factory=dict)
    structures: tuple[Structure, ...] = STRUCTURES
    remarks: tuple[str, ...] = ()

    @cached_property
    def mean(self) -> Score:
        """The mean of each column over the structures that have a number there."""
        return mean_of(self.scores)

    @property
    def rows(self) -> tuple[Score, ...]:
        """The structures, then the mean."""
        return (*self.scores, self.mean)

    def score(self, structure: str) -> Score:
        """The row of a structure id; KeyError if it was not compared."""
        for each in self.scores:
            if each.structure == structure:
                return each
        raise KeyError(structure)

    def name(self, structure: str) -> str:
        """The name for people."""
        return next((each.name for each in self.structures if each.id == structure), structure)

    def to_csv(self, path: Path | str) -> None:
        """Write the table; atomically, so an existing file is replaced only by a complete one."""
        from BoneSegLib.evaluation.tables import write_csv

        write_csv(path, COLUMNS, [row.values() for row in self.rows])

    def to_json(self) -> dict[str, object]:
        """Plain data for ``json.dumps``: rows, mean, remarks, definitions; an undefined number is ``None``."""
        return {
            "structures": [_plain(score) for score in self.scores],
            "mean": _plain(self.mean),
            "remarks": list(self.remarks),
            "definitions": self.definitions,
        }

    def to_text(self) -> str:
        """The main columns as a table for a terminal, with remarks and definitions below."""
        from BoneSegLib.evaluation.tables import comparison_text

        return comparison_text(self)


def mean_of(scores: tuple[Score, ...]) -> Score:
    """The row ``mean``: over the defined numbers of each column, the note saying where that is not all of them."""
    values: dict[str, Any] = {}
    counted: dict[str, int] = {}
    for name in NUMBERS:
        defined = [value for value in (getattr(score, name) for score in scores) if math.isfinite(value)]
        counted[name] = len(defined)
        values[name] = math.fsum(defined) / len(defined) if defined else NAN
    return Score(structure="mean", note=_mean_note(len(scores), counted), **values)


def _mean_note(total: int, counted: dict[str, int]) -> str:
    overlap, distance = counted["dice"], counted["assd_mm"]
    if not overlap:
        return "nothing to compare: no structure is in either segmentation"
    if distance == overlap == total:
        return "over 1 structure" if total == 1 else f"over all {total} structures"
    return f"overlap over {overlap} of {total} structures, distances over {distance}"


def _plain(score: Score) -> dict[str, object]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in score.values().items()
    }
