"""Two nodes read as label maps that can be compared: same labels, world coordinates, limits as a mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from BoneSegLib.anatomy import STRUCTURES, Structure
from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.common_ground import about_grids
from BoneSegLib.evaluation.grids import on_grid
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.scene.comparison_limits import limited
from BoneSegLib.scene.comparison_pairs import SegmentPair, pair_segments
from BoneSegLib.scene.comparison_segments import segments_of
from BoneSegLib.scene.comparison_voxels import NodeVoxels, read_voxels
from BoneSegLib.volume import Geometry, LabelMap


@dataclass(frozen=True, eq=False)
class Sides:
    """Both sides of a comparison, each on its own grid (world RAS mm), with the same labels for the same structures.

    ``mask``: where to look, on the reference's grid, or ``None``. ``overlap``: segments of one side share voxels, which
    a label map cannot tell; `only` then gives one structure at a time.
    """

    reference: LabelMap
    test: LabelMap
    mask: LabelMap | None
    pairs: tuple[SegmentPair, ...]
    remarks: tuple[str, ...]
    overlap: bool
    voxels: tuple[NodeVoxels, NodeVoxels]

    def only(self, structure: Structure) -> Sides:
        """The same with one structure alone, whatever else lies on its voxels."""
        pairs = tuple(pair for pair in self.pairs if pair.structure.id == structure.id)
        reference, _ = _label_map(self.voxels[0], pairs, 0, self.reference.geometry, (structure,))
        test, _ = _label_map(self.voxels[1], pairs, 1, self.test.geometry, (structure,))
        return replace(self, reference=reference, test=test, pairs=pairs)

    def on_one_grid(self) -> Sides:
        """The same with the test on the reference's grid, as the worker process takes it; remarks tell of the move."""
        moved = on_grid(self.test, self.reference.geometry)
        if moved is self.test:
            return self
        return replace(self, test=moved, remarks=(*self.remarks, *about_grids(self.reference, self.test)))


def read_sides(
    reference_node,
    test_node,
    *,
    options: CompareOptions | None = None,
    matches: Mapping[str, str | None] | None = None,
    mask_node=None,
    roi_node=None,
    common_field: bool = False,
) -> Sides:
    """Reads two segmentation or label map nodes; changes neither. See `comparison.compare_nodes` for the arguments."""
    options = options or CompareOptions()
    segments = segments_of(reference_node), segments_of(test_node)
    pairs = pair_segments(*segments, matches=matches)
    voxels = read_voxels(reference_node, segments[0]), read_voxels(test_node, segments[1])
    grids = _grids(voxels)
    mask, limits = limited(
        grids[0], voxels, given=options.mask, mask_node=mask_node, roi_node=roi_node, common_field=common_field
    )
    structures = _structures(pairs, options)
    reference, shared_reference = _label_map(voxels[0], pairs, 0, grids[0], structures)
    test, shared_test = _label_map(voxels[1], pairs, 1, grids[1], structures)
    remarks = [*voxels[0].remarks, *voxels[1].remarks, *limits]
    for side, shared in (("reference", shared_reference), ("test", shared_test)):
        if shared:
            remarks.append(f"Segments of the {side} overlap in {shared} voxels; each was compared as a whole.")
    overlap = bool(shared_reference or shared_test)
    return Sides(reference, test, mask, pairs, tuple(remarks), overlap, voxels)


def _grids(voxels: tuple[NodeVoxels, NodeVoxels]) -> tuple[Geometry, Geometry]:
    """The grid of each side; a side without any takes the other's."""
    ours, theirs = (side.grid for side in voxels)
    grid = ours or theirs
    if grid is None:
        raise InputError("Both segmentations are empty.", remedy="Choose segmentations with voxels.")
    return ours or grid, theirs or grid


def _structures(pairs: tuple[SegmentPair, ...], options: CompareOptions) -> tuple[Structure, ...]:
    """What either side has; all ten bones beside it where bones are asked for by name."""
    found = {pair.structure.id: pair.structure for pair in pairs}
    if options.structures is not None:
        taken = {structure.label for structure in found.values()}
        found |= {one.id: one for one in STRUCTURES if one.id not in found and one.label not in taken}
    return tuple(sorted(found.values(), key=lambda structure: structure.label))


def _label_map(
    voxels: NodeVoxels,
    pairs: tuple[SegmentPair, ...],
    side: int,
    grid: Geometry,
    structures: tuple[Structure, ...],
) -> tuple[LabelMap, int]:
    """One side's labels, and how many voxels its segments share."""
    segments = [((pair.reference, pair.test)[side], pair.structure) for pair in pairs]
    label_of = {segment.id: structure.label for segment, structure in segments if segment is not None}
    array, shared = voxels.labels(label_of, grid)
    return LabelMap(array, grid, structures), shared
