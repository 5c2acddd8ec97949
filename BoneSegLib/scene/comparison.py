"""Two nodes of the scene compared, bone by bone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from BoneSegLib.anatomy import Structure, select_structures
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.result import Comparison
from BoneSegLib.options import IsCancelled, Progress, never_cancelled, no_progress
from BoneSegLib.scene.comparison_pairs import MatchRow, match_table
from BoneSegLib.scene.comparison_sides import Sides, read_sides

__all__ = ["MatchRow", "chosen_structures", "compare_nodes", "compare_sides", "join_comparisons", "match_table"]


def compare_nodes(
    reference_node,
    test_node,
    *,
    options: CompareOptions | None = None,
    matches: Mapping[str, str | None] | None = None,
    mask_node=None,
    roi_node=None,
    common_field: bool = False,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
) -> Comparison:
    """Dice, surface distances and volumes of each structure of ``test_node`` against ``reference_node``.

    Either is a segmentation or a label map volume node, on any grid and under any parent transform: they are compared
    where they lie in the world, in mm there, on the reference's voxels. Segments are matched by terminology, id and
    name (`match_table` shows how); ``matches`` (reference segment id to test segment id, or to ``None``) corrects it.
    Segments that are not our bones are compared too, under their own names.

    ``mask_node`` (segmentation or label map), ``roi_node`` (markups ROI) and ``common_field`` (where both images lie)
    limit the comparison; ``options.mask`` does as well and is in world coordinates. What was done is told in the
    remarks. The scene is not changed. Raises `InputError`, `UsageError` for an unknown structure, and `Cancelled`.

    >>> comparison = compare_nodes(drawn_by_hand, from_network, matches={"Segment_1": "sacrum"})
    """
    options = options or CompareOptions()
    progress(0.0, "Reading the segmentations")
    sides = read_sides(
        reference_node,
        test_node,
        options=options,
        matches=matches,
        mask_node=mask_node,
        roi_node=roi_node,
        common_field=common_field,
    )
    return compare_sides(sides, options=options, progress=progress, is_cancelled=is_cancelled)


def compare_sides(
    sides: Sides,
    *,
    options: CompareOptions | None = None,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
) -> Comparison:
    """Compares what `comparison_sides.read_sides` read; needs no scene any more."""
    options = replace(options or CompareOptions(), mask=sides.mask)
    if sides.overlap:
        comparison = _one_by_one(sides, options, progress, is_cancelled)
    else:
        comparison = compare_labelmaps(
            sides.reference, sides.test, options=options, progress=progress, is_cancelled=is_cancelled
        )
    return replace(comparison, remarks=(*sides.remarks, *comparison.remarks))


def _one_by_one(sides: Sides, options: CompareOptions, progress: Progress, is_cancelled: IsCancelled) -> Comparison:
    """Each structure alone, since overlapping segments do not fit into one label map."""
    chosen = chosen_structures(sides, options)
    found: list[Comparison] = []
    for number, structure in enumerate(chosen):
        progress(number / len(chosen), f"Comparing {structure.name}")
        alone = sides.only(structure)
        alone_options = replace(options, structures=None)
        found.append(compare_labelmaps(alone.reference, alone.test, options=alone_options, is_cancelled=is_cancelled))
    progress(1.0, "Compared")
    return join_comparisons(chosen, found)


def chosen_structures(sides: Sides, options: CompareOptions) -> tuple[Structure, ...]:
    """What is compared; raises `UsageError` for a structure that neither side knows."""
    return select_structures(options.structures, known=sides.reference.structures)


def join_comparisons(chosen: Sequence[Structure], found: Sequence[Comparison]) -> Comparison:
    """One comparison of many that had one structure each (`Sides.only`)."""
    return replace(
        found[0],
        scores=tuple(score for comparison in found for score in comparison.scores),
        structures=tuple(chosen),
        remarks=_common_remarks(chosen, found),
    )


def _common_remarks(chosen: Sequence[Structure], found: Sequence[Comparison]) -> tuple[str, ...]:
    """What holds for all once, what holds for some with their names."""
    remarks: dict[str, None] = {}
    for structure, comparison in zip(chosen, found, strict=True):
        for remark in comparison.remarks:
            common = all(remark in other.remarks for other in found)
            remarks[remark if common else f"{structure.name}: {remark}"] = None
    return tuple(remarks)
