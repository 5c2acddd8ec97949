"""Two label maps brought together: one grid, one set of labels, one region to look at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from BoneSegLib.anatomy import Structure
from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.grids import inside_share, on_grid, on_same_lattice
from BoneSegLib.volume import Geometry, LabelMap


@dataclass(frozen=True, eq=False)
class CommonGround:
    """What is compared: arrays (integers, kji) on the reference's grid.

    ``region`` (bool, kji) is where to look, ``None`` for everywhere; outside it both arrays are 0. ``structures``: all
    that either side knows. ``remarks``: what concerns the whole comparison.
    """

    reference: np.ndarray
    test: np.ndarray
    geometry: Geometry
    region: np.ndarray | None
    structures: tuple[Structure, ...]
    remarks: tuple[str, ...]


def find_common_ground(reference: LabelMap, test: LabelMap, mask: LabelMap | None) -> CommonGround:
    """Bring ``test`` and ``mask`` onto the reference's grid and labels.

    Raises `InputError` for arrays that hold no integers.
    """
    for side, labels in (("reference", reference), ("test", test)):
        if not (np.issubdtype(labels.array.dtype, np.integer) or labels.array.dtype == bool):
            raise InputError(
                f"The {side} is no label map.", cause=f"It holds values of type {labels.array.dtype}, not labels."
            )
    structures, test = _same_labels(reference, test)
    remarks = _unknown_labels(reference, test, {structure.label for structure in structures})
    geometry = reference.geometry
    moved = on_grid(test, geometry)
    if moved is not test:
        remarks += about_grids(reference, test)
    region, ours, theirs = None, reference.array, moved.array
    if mask is not None:
        region = on_grid(mask, geometry).array != 0
        ours, theirs = ours * region, theirs * region
        remarks.append(f"Limited to a mask of {np.count_nonzero(region) * geometry.voxel_volume / 1000:.1f} ml.")
    return CommonGround(ours, theirs, geometry, region, structures, tuple(remarks))


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


def about_grids(reference: LabelMap, test: LabelMap) -> list[str]:
    """What to tell of a test on another grid than the reference's."""
    if on_same_lattice(test.geometry, reference.geometry):
        remarks = ["The test's image covers another part of the reference's grid."]
    else:
        remarks = ["The test lies on another grid: it was read at the reference's voxel centres."]
    outside = 1 - inside_share(reference.array, reference.geometry, test.geometry)
    if outside >= 0.001:
        remarks.append(f"{100 * outside:.1f} % of the reference lies outside the test's image.")
    return remarks


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
