"""What the worker is asked for a comparison, and what its answers are together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.result import Comparison
from BoneSegLib.scene.comparison import chosen_structures, join_comparisons
from BoneSegLib.scene.comparison_sides import Sides
from BoneSegLib.worker.client import WorkerClient
from BoneSegLib.worker.events import Compared


class ComparisonRun:
    """One run of the worker; one for each structure where segments overlap, which no label map can tell."""

    def __init__(self, sides: Sides, options: CompareOptions) -> None:
        self._sides = sides
        self._together = sides.on_one_grid()
        self._options = options
        self._alone = chosen_structures(sides, options) if sides.overlap else ()

    @property
    def begins(self) -> list[Callable[[WorkerClient], None]]:
        if not self._alone:
            return [lambda client: self._begin(client, self._together)]
        return [lambda client, one=one: self._begin(client, self._sides.only(one).on_one_grid()) for one in self._alone]

    def comparison(self, events: Sequence[Compared]) -> Comparison:
        """The result of the runs' events."""
        found = [event.comparison for event in events]
        comparison = join_comparisons(self._alone, found) if self._alone else found[0]
        return replace(comparison, remarks=(*self._together.remarks, *comparison.remarks))

    def _begin(self, client: WorkerClient, sides: Sides) -> None:
        client.compare(
            sides.reference,
            sides.test,
            tolerance_mm=self._options.tolerance_mm,
            surface=self._options.surface,
            mask=sides.mask,
        )
