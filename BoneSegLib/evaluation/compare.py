"""Compare two label maps, bone by bone."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np

from BoneSegLib.anatomy import Structure, select_structures
from BoneSegLib.errors import Cancelled, InputError
from BoneSegLib.evaluation.definitions import definitions
from BoneSegLib.evaluation.distances import surface_distances
from BoneSegLib.evaluation.grids import inside_share, on_grid, on_same_lattice
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.overlap import Box, Counts, count_overlap
from BoneSegLib.evaluation.result import Comparison, Score
from BoneSegLib.evaluation.surfaces import extract_surface
from BoneSegLib.options import IsCancelled, Progress, never_cancelled, no_progress
from BoneSegLib.volume import Geometry, LabelMap


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
    for side, labels in (("reference", reference), ("test", test)):
        if not (np.issubdtype(labels.array.dtype, np.integer) or labels.array.dtype == bool):
            raise InputError(
                f"The {side} is no label map.", cause=f"It holds values of type {labels.array.dtype}, not labels."
            )
    known, test = _same_labels(reference, test)
    chosen = select_structures(options.structures, known=known)
    scene, remarks = _Scene.build(reference, test, options.mask)
    remarks += _unknown_labels(reference, test, {structure.label for structure in known})
    overlap = count_overlap(scene.reference, scene.test, [structure.label for structure in chosen])
    scores = []
    for number, (structure, box) in enumerate(zip(chosen, overlap.boxes, strict=True)):
        if is_cancelled():
            raise Cancelled
        progress(number / len(chosen), f"Comparing {structure.name}")
        scores.append(_score(structure, scene, overlap.of(structure.label), box, options))
    progress(1.0, "Compared")
    return Comparison(
        scores=tuple(scores),
        definitions=definitions(options),
        structures=chosen,
        remarks=tuple(remarks),
    )


def _same_labels(reference: LabelMap, test: LabelMap) -> tuple[tuple[Structure, ...], LabelMap]:
    """All structures that either map knows, the reference's first, and ``test`` with the same labels for them."""
    ours = {structure.id: structure for structure in reference.structures}
    known = list(reference.structures)
    used = [int(labels.array.max(initial=0)) for labels in (reference, test)]
    free = count(max([*used, *(structure.label for structure in known)]) + 1)
    changed: dict[int, int] = {}
    for structure in test.structures:
        own = ours.get(structure.id)
        if own is None:
            own = replace(structure, label=next(free))
            known.append(own)
        if own.label != structure.label:
            changed[structure.label] = own.label
    if not changed:
        return tuple(known), test
    array = test.array.astype(np.int32)
    for old, new in changed.items():
        array[test.array == old] = new
    return tuple(known), replace(test, array=array, structures=tuple(known))


class _Scene:
    """Both label maps on the reference's grid, and the region to look at (kji, bool; ``None`` = everything)."""

    def __init__(self, reference: np.ndarray, test: np.ndarray, geometry: Geometry, region: np.ndarray | None) -> None:
        self.reference = reference
        self.test = test
        self.geometry = geometry
        self.region = region

    @classmethod
    def build(cls, reference: LabelMap, test: LabelMap, mask: LabelMap | None) -> tuple[_Scene, list[str]]:
        geometry = reference.geometry
        remarks = []
        moved = on_grid(test, geometry)
        if moved is not test:
            if on_same_lattice(test.geometry, geometry):
                remarks.append("The test's image covers another part of the reference's grid.")
            else:
                remarks.append("The test lies on another grid: it was read at the reference's voxel centres.")
            outside = 1 - inside_share(reference.array, geometry, test.geometry)
            if outside >= 0.001:
                remarks.append(f"{100 * outside:.1f} % of the reference lies outside the test's image.")
        if mask is None:
            return cls(reference.array, moved.array, geometry, None), remarks
        region = on_grid(mask, geometry).array != 0
        remarks.append(f"Limited to a mask of {np.count_nonzero(region) * geometry.voxel_volume / 1000:.1f} ml.")
        return cls(reference.array * region, moved.array * region, geometry, region), remarks


def _score(structure: Structure, scene: _Scene, counts: Counts, box: Box | None, options: CompareOptions) -> Score:
    """One structure's row."""
    voxel_ml = scene.geometry.voxel_volume / 1000.0
    numbers: dict[str, float] = {
        "volume_reference_ml": counts.reference * voxel_ml,
        "volume_test_ml": counts.test * voxel_ml,
        "dice": counts.dice,
        "jaccard": counts.jaccard,
        "precision": counts.precision,
        "recall": counts.recall,
        "volume_difference_percent": counts.volume_difference_percent,
    }
    if box is None:
        return Score(structure=structure.id, label=structure.label, note="absent from both", **numbers)
    notes = []
    if counts.reference and counts.test:
        near = box if scene.region is None else _widened(box)  # to see where the mask ends beside the structure
        masks = scene.reference[near] == structure.label, scene.test[near] == structure.label
        numbers["centroid_distance_mm"] = _centroid_distance(*masks, scene.geometry)
        found = _distances(*masks, near, scene, options)
        numbers.update(found)
        if not found:
            notes.append("the mask leaves no surface: distances are not defined")
    else:
        numbers["nsd"] = 0.0
        absent = "reference" if not counts.reference else "test"
        undefined = "distances and volume difference" if absent == "reference" else "distances"
        ratio = "recall" if absent == "reference" else "precision"
        notes.append(f"absent from the {absent}: {undefined} and {ratio} are not defined")
    edge = _at_edge(box, scene.geometry)
    if edge:
        notes.append("touches the image's edge")
    return Score(structure=structure.id, label=structure.label, note="; ".join(notes), **numbers)


def _distances(
    reference: np.ndarray, test: np.ndarray, box: Box, scene: _Scene, options: CompareOptions
) -> dict[str, float]:
    """The surface distances' columns; none of them where a mask left no surface on one side."""
    region = None if scene.region is None else scene.region[box]
    matrix = scene.geometry.ijk_to_ras
    one = extract_surface(reference, matrix, kind=options.surface, region=region)
    other = extract_surface(test, matrix, kind=options.surface, region=region)
    if not (len(one) and len(other)):
        return {}
    found = surface_distances(one, other)
    to_test, to_reference = found.means()
    return {
        "hausdorff_mm": found.hausdorff(),
        "hausdorff95_mm": found.percentile(95.0, interpolate=options.surface == "voxel"),
        "assd_mm": found.pooled_mean(),
        "nsd": found.share_within(options.tolerance_mm),
        "masd_mm": (to_test + to_reference) / 2,
        "distance_reference_to_test_mm": to_test,
        "distance_test_to_reference_mm": to_reference,
    }


def _centroid_distance(reference: np.ndarray, test: np.ndarray, geometry: Geometry) -> float:
    """mm between the centres of mass of two masks (kji) of one box."""
    shift = _centroid(test) - _centroid(reference)
    return float(np.linalg.norm(geometry.ijk_to_ras[:3, :3] @ shift[::-1]))


def _centroid(mask: np.ndarray) -> np.ndarray:
    """Centre of mass in kji, from the counts along each axis."""
    centre = []
    for axis in range(3):
        profile = np.count_nonzero(mask, axis=tuple(other for other in range(3) if other != axis))
        centre.append(profile @ np.arange(len(profile)) / profile.sum())
    return np.array(centre)


def _widened(box: Box) -> Box:
    """One voxel more on each side, where the image has one."""
    k, j, i = (slice(max(0, span.start - 1), span.stop + 1) for span in box)
    return k, j, i


def _at_edge(box: Box, geometry: Geometry) -> bool:
    return any(span.start == 0 or span.stop == n for span, n in zip(box, geometry.shape, strict=True))


def _unknown_labels(reference: LabelMap, test: LabelMap, known: set[int]) -> list[str]:
    remarks = []
    for side, labels in (("reference", reference), ("test", test)):
        others = sorted(_values(labels.array) - known)
        if others:
            told = ", ".join(map(str, others[:8])) + (", …" if len(others) > 8 else "")
            remarks.append(f"Labels of the {side} that were not compared: {told}.")
    return remarks


def _values(array: np.ndarray) -> set[int]:
    """The values of an integer array but 0, slice by slice."""
    found: set[int] = set()
    for plane in array:
        found.update(np.unique(plane[plane != 0]).tolist())
    return found
