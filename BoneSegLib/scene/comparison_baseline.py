"""The network against grow from seeds, in one call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from BoneSegLib.anatomy import Structure
from BoneSegLib.baselines.grow_from_seeds import GrowOptions, grow_from_seeds
from BoneSegLib.baselines.seeds import BACKGROUND, SeedOptions, seeds_from_labels
from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.result import Comparison
from BoneSegLib.options import IsCancelled, Progress, never_cancelled, no_progress
from BoneSegLib.scene.comparison_pairs import pair_segments
from BoneSegLib.scene.comparison_segments import segments_of
from BoneSegLib.scene.comparison_voxels import read_voxels
from BoneSegLib.scene.comparison_world import moved_grid, world_matrix
from BoneSegLib.scene.read import volume_from_node
from BoneSegLib.scene.write import write_segmentation
from BoneSegLib.volume import Geometry, LabelMap


@dataclass(frozen=True, eq=False)
class BaselineComparison:
    """``node``: the new segmentation that grew from the seeds; ``comparison``: it (reference) against the given one."""

    node: Any
    comparison: Comparison


def compare_with_grow_from_seeds(
    volume_node,
    segmentation_node,
    *,
    options: CompareOptions | None = None,
    seed_options: SeedOptions | None = None,
    grow_options: GrowOptions | None = None,
    name: str | None = None,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
) -> BaselineComparison:
    """Grows the cores of a segmentation's bones over their image, and compares the two, in mm of the world.

    The seeds are what lies deep inside each bone and a shell of background around all. The grown bones come into a new
    segmentation node beside the volume. Nothing of the scene is touched before all is computed. Raises `InputError`
    (nothing to grow from, a transform that bends between image and segmentation), `ResourceError`, `MissingError` and
    `Cancelled`; the scene is then as it was.
    """
    volume = volume_from_node(volume_node)
    progress(0.0, "Placing the seeds")
    labels = labels_on_volume(segmentation_node, volume_node, volume.geometry)
    seeds = seeds_from_labels(labels, options=seed_options)
    grown = grow_from_seeds(
        volume,
        seeds,
        options=grow_options or GrowOptions(shortcut=True),
        progress=lambda fraction, message: progress(0.8 * fraction, message),
        is_cancelled=is_cancelled,
    )
    matrix = world_matrix(volume_node)
    world = volume.geometry if matrix is None else moved_grid(volume.geometry, matrix)
    comparison = compare_labelmaps(
        replace(grown, geometry=world),
        replace(labels, geometry=world),
        options=options,
        progress=lambda fraction, message: progress(0.8 + 0.2 * fraction, message),
        is_cancelled=is_cancelled,
    )
    title = name or f"{segmentation_node.GetName()} grown from seeds"
    return BaselineComparison(write_segmentation(grown, volume_node, name=title), comparison)


def labels_on_volume(segmentation_node, volume_node, grid: Geometry) -> LabelMap:
    """The structures of a segmentation or label map node on a volume's ``grid`` (its own RAS), matched in the world.

    Raises `InputError` for a transform that bends, unless both lie under the same one.
    """
    segments = segments_of(segmentation_node)
    together = segmentation_node.GetTransformNodeID() == volume_node.GetTransformNodeID()
    matrices = world_matrix(volume_node), world_matrix(segmentation_node)
    if not together and any(matrix is None for matrix in matrices):
        raise InputError(
            "The image and the segmentation lie under different transforms, one of which bends.",
            remedy="Put both under the same transform, or harden it.",
        )
    where = grid if together or matrices[0] is None else moved_grid(grid, matrices[0])
    pairs = pair_segments(segments, ())
    structures = _numbered(tuple(pair.structure for pair in pairs))
    label_of = {
        pair.reference.id: structure.label
        for pair, structure in zip(pairs, structures, strict=True)
        if pair.reference is not None
    }
    array, _shared = read_voxels(segmentation_node, segments, world=not together).labels(label_of, where)
    return LabelMap(array, grid, structures)


def _numbered(structures: tuple[Structure, ...]) -> tuple[Structure, ...]:
    """The same with labels that leave room for the background's seed; their own where all do."""
    if max(structure.label for structure in structures) < BACKGROUND:
        return structures
    if len(structures) >= BACKGROUND:
        raise InputError(
            "There are too many structures to grow.", cause=f"There are {len(structures)}.", remedy="Take 254 at most."
        )
    return tuple(replace(structure, label=number) for number, structure in enumerate(structures, start=1))
