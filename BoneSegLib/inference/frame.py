"""The axes in which the network sees the image.

nnU-Net takes the voxel array as it is stored. A model that says so (ours do) is shown every image in LPS order instead:
slices from feet to head, rows from front to back, columns from right to left. Where flips and permutations cannot do
that, because the image is sheared or lies far from the patient's axes, it is first resampled into a straight box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from BoneSegLib.inference.resample import Shape, Spacing
from BoneSegLib.volume import Geometry, nearest_axes

MAX_TILT_DEGREES = 15.0
"""Training rotates images about this far; beyond it the image is straightened."""
MAX_SHEAR_DEGREES = 3.0

# Network axis order k, j, i runs along S, P, L: in RAS coordinates axes 2, 1, 0 with these signs.
_LPS = ((2, +1), (1, -1), (0, -1))


@dataclass(frozen=True)
class Frame:
    """A permutation and flips of array axes, then a crop: image array -> what the network's grid is laid over.

    ``order``: frame axis a is image array axis ``order[a]``; ``flips``: which frame axes run backwards;
    ``crop``: start and stop along each frame axis.
    """

    order: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    crop: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]

    def view(self, array: np.ndarray) -> np.ndarray:
        """The image array (kji) in this frame; a view, nothing is copied."""
        return self._whole(array)[tuple(slice(start, stop) for start, stop in self.crop)]

    def spacing(self, geometry: Geometry) -> Spacing:
        """mm along the frame's axes."""
        kji = geometry.spacing[::-1]
        return (kji[self.order[0]], kji[self.order[1]], kji[self.order[2]])

    @property
    def shape(self) -> Shape:
        a, b, c = (stop - start for start, stop in self.crop)
        return (a, b, c)

    def _whole(self, array: np.ndarray) -> np.ndarray:
        steps = tuple(slice(None, None, -1 if flip else None) for flip in self.flips)
        return array.transpose(self.order)[steps]


def make_frame(array: np.ndarray, geometry: Geometry, *, canonical: bool, transpose: tuple[int, int, int]) -> Frame:
    """The frame for an image (kji ``array``): LPS if ``canonical``, then nnU-Net's transpose and crop to non-zero."""
    if canonical:
        along = nearest_axes(geometry)  # patient axis of image axes i, j, k
        order, flips = [], []
        for patient_axis, sign in _LPS:
            image_axis = along.index(patient_axis)
            order.append(2 - image_axis)
            flips.append(bool(geometry.directions[patient_axis, image_axis] * sign < 0))
    else:
        order, flips = [0, 1, 2], [False, False, False]
    a, b, c = transpose
    whole = Frame((order[a], order[b], order[c]), (flips[a], flips[b], flips[c]), ((0, 0), (0, 0), (0, 0)))
    return Frame(whole.order, whole.flips, _nonzero_box(whole._whole(array)))


def _nonzero_box(array: np.ndarray) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Start and stop along each axis of the voxels that are not 0; the whole array if none is."""
    spans = []
    for axis in range(3):
        planes = np.moveaxis(array, axis, 0)
        count = len(planes)
        first = next((index for index in range(count) if planes[index].any()), 0)
        last = next((index for index in reversed(range(count)) if planes[index].any()), count - 1)
        spans.append((first, last + 1))
    return (spans[0], spans[1], spans[2])


def needs_straightening(geometry: Geometry) -> bool:
    """Whether flips and permutations leave the image too far from the patient's axes."""
    return geometry.tilt_degrees > MAX_TILT_DEGREES or geometry.shear_degrees > MAX_SHEAR_DEGREES


def straight_geometry(geometry: Geometry) -> Geometry:
    """The smallest box along the patient's axes (LPS order) that holds the image, at about its spacing."""
    corners = geometry.corners()
    low, high = corners.min(axis=0), corners.max(axis=0)
    along = nearest_axes(geometry)
    spacing = [0.0, 0.0, 0.0]
    for image_axis, patient_axis in enumerate(along):
        spacing[patient_axis] = geometry.spacing[image_axis]
    size = [int(np.ceil((high[a] - low[a]) / spacing[a])) + 1 for a in range(3)]
    origin = (float(high[0]), float(high[1]), float(low[2]))
    directions = np.diag([-1.0, -1.0, 1.0])
    return Geometry.from_spacing(
        (size[0], size[1], size[2]), (spacing[0], spacing[1], spacing[2]), origin=origin, directions=directions
    )


def resample_between(array: np.ndarray, source: Geometry, target: Geometry, *, linear: bool, fill: float) -> np.ndarray:
    """``array`` (kji) from one grid to another in space, any affine each; ``fill`` outside of the source."""
    import SimpleITK as sitk

    if fill < 0:  # air is below what unsigned numbers hold
        array = array.astype(np.result_type(array, np.int16), copy=False)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    # ITK wants orthonormal directions; index coordinates on both sides and the affine between them allow any grid.
    between = np.linalg.inv(source.ijk_to_ras) @ target.ijk_to_ras
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(between[:3, :3].ravel().tolist())
    transform.SetTranslation(between[:3, 3].tolist())
    method = sitk.sitkLinear if linear else sitk.sitkNearestNeighbor
    unit = [1.0, 1.0, 1.0]
    identity = np.eye(3).ravel().tolist()
    moved = sitk.Resample(image, target.size, transform, method, [0.0, 0.0, 0.0], unit, identity, fill)
    return sitk.GetArrayFromImage(moved)
