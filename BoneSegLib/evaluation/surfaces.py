"""The surface of a structure as weighted points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from BoneSegLib.evaluation.surfels import CORNERS, surfel_areas


@dataclass(frozen=True, eq=False)
class Surface:
    """Where a structure's surface runs through a box of the grid.

    ``present`` (kji, bool) is true at the box's cells (or voxels) with surface, ``weights`` (n,) is the weight of each
    of them in C order: mm2 for surfels, 1 for voxels. ``to_mm`` (3x3) takes kji index differences to mm.
    """

    present: np.ndarray
    weights: np.ndarray
    to_mm: np.ndarray

    def __len__(self) -> int:
        return len(self.weights)

    def points(self, chosen: np.ndarray | None = None) -> np.ndarray:
        """(n, 3) positions in mm in C order, of all or of those that the bool array ``chosen`` (kji) marks."""
        where = self.present if chosen is None else self.present & chosen
        return np.argwhere(where) @ self.to_mm.T


def extract_surface(
    mask: np.ndarray, ijk_to_ras: np.ndarray, *, kind: str, region: np.ndarray | None = None
) -> Surface:
    """The surface of ``mask`` (kji, bool), in mm relative to the box's first voxel.

    The outside of the box is background. ``region`` (kji, bool): surface that touches voxels outside it is left out,
    for it is where the region cut the structure. ``kind``: ``"surfel"`` or ``"voxel"``.
    """
    to_mm = np.asarray(ijk_to_ras, dtype=float)[:3, :3][:, ::-1]
    if kind == "surfel":
        codes = cell_codes(mask)
        present = (codes != 0) & (codes != 255)
        if region is not None:
            present &= _cells_within(region)
        return Surface(present, surfel_areas(ijk_to_ras)[codes[present]], to_mm)
    present = boundary_voxels(mask)
    if region is not None:
        present &= ~boundary_voxels(region, at_edge=False)
    return Surface(present, np.ones(int(np.count_nonzero(present))), to_mm)


def cell_codes(mask: np.ndarray) -> np.ndarray:
    """uint8 code of each cell of 2x2x2 voxel centres, one more along each axis than ``mask`` has voxels.

    Cell (k, j, i) has its corners at voxels k-1 and k, j-1 and j, i-1 and i; bits as `surfels.CORNERS`.
    """
    nk, nj, ni = mask.shape
    voxels = mask.astype(np.uint8)
    codes = np.zeros((nk + 1, nj + 1, ni + 1), dtype=np.uint8)
    for number, (k, j, i) in enumerate(CORNERS):
        # The voxel is corner (k, j, i) of the cell that starts one voxel before it where the offset is 1.
        place = (slice(1 - k, 1 - k + nk), slice(1 - j, 1 - j + nj), slice(1 - i, 1 - i + ni))
        codes[place] |= voxels << number
    return codes


def boundary_voxels(mask: np.ndarray, *, at_edge: bool = True) -> np.ndarray:
    """Voxels of ``mask`` (kji, bool) with a 6-neighbour outside it; ``at_edge``: beyond the array is outside."""
    interior = mask.copy()
    for axis in range(3):
        before, after = [slice(None)] * 3, [slice(None)] * 3
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        interior[tuple(after)] &= mask[tuple(before)]
        interior[tuple(before)] &= mask[tuple(after)]
        if at_edge:
            ends = [slice(None)] * 3
            ends[axis] = slice(None, None, max(1, mask.shape[axis] - 1))
            interior[tuple(ends)] = False
    return mask & ~interior


def _cells_within(region: np.ndarray) -> np.ndarray:
    """Cells none of whose voxels lies outside ``region``; beyond the array counts as within."""
    return cell_codes(~region) == 0
