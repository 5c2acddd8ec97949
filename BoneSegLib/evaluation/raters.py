"""Several segmentations of one case, each compared with each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from BoneSegLib.errors import UsageError
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.result import COLUMNS, Comparison
from BoneSegLib.options import IsCancelled, Progress, never_cancelled, no_progress
from BoneSegLib.volume import LabelMap


@dataclass(frozen=True, eq=False)
class RaterTable:
    """The comparison of each pair of raters; the first of a pair plays the reference."""

    comparisons: dict[tuple[str, str], Comparison]

    @property
    def raters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for pair in self.comparisons for name in pair))

    def matrix(self, metric: str, structure: str = "mean") -> dict[str, dict[str, float]]:
        """``metric`` of one structure (or the mean) by rater and rater, for metrics that know no direction.

        A rater against himself is not in the table.
        """
        table: dict[str, dict[str, float]] = {name: {} for name in self.raters}
        for (first, second), comparison in self.comparisons.items():
            row = comparison.mean if structure == "mean" else comparison.score(structure)
            value = float(getattr(row, metric))
            table[first][second] = table[second][first] = value
        return table

    def rows(self) -> Iterator[dict[str, object]]:
        """One row per pair and structure (long form, as statistics packages want it)."""
        for (first, second), comparison in self.comparisons.items():
            for score in comparison.rows:
                yield {"rater_reference": first, "rater_test": second, **score.values()}

    def to_csv(self, path: Path | str) -> None:
        """Write the long form, atomically."""
        from BoneSegLib.evaluation.tables import write_csv

        write_csv(path, ("rater_reference", "rater_test", *COLUMNS), self.rows())


def compare_all_pairs(
    segmentations: Mapping[str, LabelMap],
    *,
    options: CompareOptions | None = None,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
) -> RaterTable:
    """Compare every two of ``segmentations`` (name to label map), the earlier one as the reference.

    Overlap and distances are the same either way round on one grid; volume difference, precision and recall are not.
    """
    if len(segmentations) < 2:
        raise UsageError("Agreement between raters needs at least two segmentations.")
    pairs = list(combinations(segmentations, 2))
    comparisons = {}
    for number, (first, second) in enumerate(pairs):
        progress(number / len(pairs), f"Comparing {first} with {second}")
        comparisons[first, second] = compare_labelmaps(
            segmentations[first], segmentations[second], options=options, is_cancelled=is_cancelled
        )
    progress(1.0, "Compared")
    return RaterTable(comparisons)
