"""The numbers of one structure, with the policy for what is missing, cut or at the edge."""

from __future__ import annotations

import numpy as np

from BoneSegLib.anatomy import Structure
from BoneSegLib.evaluation.common_ground import CommonGround
from BoneSegLib.evaluation.distances import surface_distances
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.overlap import Box, Counts
from BoneSegLib.evaluation.result import Score
from BoneSegLib.evaluation.surfaces import extract_surface
from BoneSegLib.volume import Geometry


def score_structure(
    structure: Structure, ground: CommonGround, counts: Counts, box: Box | None, options: CompareOptions
) -> Score:
    """One structure's row: its numbers, and a note for each that is not defined.

    ``counts``: its voxels; ``box``: the kji box around it in both arrays, ``None`` where it is in neither.
    """
    voxel_ml = ground.geometry.voxel_volume / 1000.0
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
        near = box if ground.region is None else _widened(box)  # to see where the mask ends beside the structure
        masks = ground.reference[near] == structure.label, ground.test[near] == structure.label
        numbers["centroid_distance_mm"] = _centroid_distance(*masks, ground.geometry)
        found = _distances(*masks, near, ground, options)
        numbers.update(found)
        if not found:
            notes.append("the mask leaves no surface: distances are not defined")
    else:
        numbers["nsd"] = 0.0
        absent = "reference" if not counts.reference else "test"
        undefined = "distances and volume difference" if absent == "reference" else "distances"
        ratio = "recall" if absent == "reference" else "precision"
        notes.append(f"absent from the {absent}: {undefined} and {ratio} are not defined")
    edge = _at_edge(box, ground.geometry)
    if edge:
        notes.append("touches the image's edge")
    return Score(structure=structure.id, label=structure.label, note="; ".join(notes), **numbers)


def _distances(
    reference: np.ndarray, test: np.ndarray, box: Box, ground: CommonGround, options: CompareOptions
) -> dict[str, float]:
    """The surface distances' columns; none of them where a mask left no surface on one side."""
    region = None if ground.region is None else ground.region[box]
    matrix = ground.geometry.ijk_to_ras
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
