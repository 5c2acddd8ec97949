"""Compare two label maps, bone by bone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from BoneSegLib.anatomy import select_structures
from BoneSegLib.errors import Cancelled
from BoneSegLib.evaluation.common_ground import find_common_ground
from BoneSegLib.evaluation.definitions import definitions
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.overlap import count_overlap
from BoneSegLib.evaluation.result import Comparison, Score
from BoneSegLib.evaluation.structure_score import score_structure
from BoneSegLib.options import IsCancelled, Progress, never_cancelled, no_progress
from BoneSegLib.volume import LabelMap


def compare_labelmaps(
    reference: LabelMap,
    test: LabelMap,
    *,
    options: CompareOptions | None = None,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
) -> Comparison:
    """Dice, surface distances and volumes of each structure of ``test`` against ``reference``.

    Structures are matched by id, and by that their label values, which may differ. The numbers are of the reference's
    grid; another grid, a mask, a label that is none of the structures and every undefined number are told in remarks
    and notes. Raises `InputError` for arrays that hold no integers, `UsageError` for a structure that neither label
    map knows, and `Cancelled`.

    >>> comparison = compare_labelmaps(truth, result, options=CompareOptions(tolerance_mm=1.0))
    >>> comparison.score("sacrum").dice
    """
    options = options or CompareOptions()
    ground = find_common_ground(reference, test, options.mask)
    chosen = select_structures(options.structures, known=ground.structures)
    overlap = count_overlap(ground.reference, ground.test, [structure.label for structure in chosen])
    scores = []
    for number, (structure, box) in enumerate(zip(chosen, overlap.boxes, strict=True)):
        if is_cancelled():
            raise Cancelled
        progress(number / len(chosen), f"Comparing {structure.name}")
        scores.append(score_structure(structure, ground, overlap.of(structure.label), box, options))
    progress(1.0, "Compared")
    return Comparison(
        scores=tuple(scores),
        definitions=definitions(options),
        structures=chosen,
        remarks=(*_doubts(scores), *ground.remarks),
    )


def _doubts(scores: Sequence[Score]) -> list[str]:
    """What may make zeros of a comparison that say nothing of how good the test is."""
    present = [score for score in scores if math.isfinite(score.dice)]
    if present and not any(score.dice for score in present):
        return [
            "Nothing overlaps: are these of the same patient and of the same image, with labels that mean the same?"
        ]
    missing = [score for score in present if not score.volume_test_ml]
    if not missing:
        return []
    return [
        f"Absent from the test and counted as 0: {len(missing)} of {len(present)} structures. If it was never meant to "
        "have them, compare the others alone."
    ]
