"""Several segmentations of one case, each compared with each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from BoneSegLib.errors import UsageError
from BoneSegLib.evaluation.agreement import Distribution, distributions
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.result import COLUMNS, PAIR, Comparison
from BoneSegLib.options import IsCancelled, Progress, never_cancelled, no_progress
from BoneSegLib.volume import LabelMap

METRICS: tuple[tuple[str, str, float | None], ...] = (
    ("dice", ".3f", 1.0),
    ("nsd", ".3f", 1.0),
    ("hausdorff95_mm", ".2f", None),
    ("assd_mm", ".2f", None),
)
"""Column, number format and end of the axis of what is told; all are the same whichever of two is the reference."""


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

    @property
    def names(self) -> dict[str, str]:
        """Structures' names for people, by id."""
        return {each.id: each.name for comparison in self.comparisons.values() for each in comparison.structures}

    def distributions(self, metric: str) -> list[Distribution]:
        """The spread of one metric over the pairs, per structure."""
        return distributions(self.rows(), metric)

    def to_json(self) -> dict[str, object]:
        """Plain data for ``json.dumps``: each pair as `Comparison.to_json` gives it, but the definitions once."""
        pairs = []
        definitions: object = {}
        for (first, second), comparison in self.comparisons.items():
            data = comparison.to_json()
            definitions = data.pop("definitions")
            pairs.append({**dict(zip(PAIR, (first, second), strict=True)), **data})
        return {"raters": list(self.raters), "pairs": pairs, "definitions": definitions}

    def to_text(self) -> str:
        """For a terminal: the mean of each metric by rater and rater, and its spread over the pairs per structure."""
        from BoneSegLib.evaluation.definitions import BY_COLUMN
        from BoneSegLib.evaluation.tables import aligned, format_number

        parts: list[str] = []
        for metric, pattern, _top in METRICS:
            matrix = self.matrix(metric)
            title = BY_COLUMN[metric]
            table = [[f"{title.title} {title.unit}".strip(), *(f"({number})" for number in range(1, len(matrix) + 1))]]
            for number, name in enumerate(self.raters, start=1):
                cells = [
                    format_number(matrix[name][other], pattern) if other in matrix[name] else "" for other in matrix
                ]
                table.append([f"({number}) {name}", *cells])
            parts += [*aligned(table), ""]
        table = [["over the pairs", "Dice median", "least", "HD95 mm median", "greatest"]]
        names = self.names
        for dice, distance in zip(self.distributions("dice"), self.distributions("hausdorff95_mm"), strict=True):
            cells = [format_number(value, ".3f") for value in (dice.median, dice.minimum)]
            cells += [format_number(value, ".2f") for value in (distance.median, distance.maximum)]
            table.append([names.get(dice.structure, dice.structure), *cells])
        return "\n".join([*parts, *aligned(table)])

    def rows(self) -> Iterator[dict[str, object]]:
        """One row per pair and structure (long form, as statistics packages want it)."""
        for (first, second), comparison in self.comparisons.items():
            for score in comparison.rows:
                yield {**dict(zip(PAIR, (first, second), strict=True)), **score.values()}

    def to_csv(self, path: Path | str) -> None:
        """Write the long form, atomically."""
        from BoneSegLib.evaluation.tables import write_csv

        write_csv(path, (*PAIR, *COLUMNS), self.rows())


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
