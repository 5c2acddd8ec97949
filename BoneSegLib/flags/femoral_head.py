"""Is the femoral head inside the hip bone's label?

A hip bone is flat, and hollow where the head lies: the largest ball in it is small for its size. In the label maps of
eight people its radius is 0.21 to 0.25 of the cube root of the bone's volume, with the head inside 0.27 and more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from BoneSegLib.flags import kinds
from BoneSegLib.flags.bones import Bone
from BoneSegLib.pieces import holes_of

_SHARE = 0.255
"""Of the cube root of the volume."""

_LEAST_MM = 15.0
"""Hip bones are that thick themselves; the heads of adults have a radius of 20 to 26 mm."""

_CUT_MM = 20.0
"""The volume of a bone that is cut tells nothing of its size; no hip bone here is so thick (up to 18.5 mm)."""

_FINE_MM = 2.0


def flags_of_femoral_heads(bones: Mapping[str, Bone]) -> Iterator[tuple[str, str]]:
    """Pairs of structure id and flag."""
    for name in ("hip_left", "hip_right"):
        if name in bones and _holds_head(bones[name]):
            yield name, kinds.HEAD


def _holds_head(hip: Bone) -> bool:
    size_mm = 10.0 * hip.volume_ml ** (1 / 3)
    return _holds_ball(hip, _CUT_MM if hip.is_cut else max(_LEAST_MM, _SHARE * size_mm))


def _holds_ball(bone: Bone, radius_mm: float) -> bool:
    """Whether a larger ball fits into the bone, its holes filled (a network may see only the head's rim).

    Distances to the surface take long where there are many voxels: every other one tells where to look closer.
    """
    strides = [max(1, int(_FINE_MM / step)) for step in bone.geometry.spacing[::-1]]
    steps = np.array([step * stride for step, stride in zip(bone.geometry.spacing[::-1], strides, strict=True)])
    thinned = bone.mask[tuple(slice(None, None, stride) for stride in strides)]
    filled = np.pad(thinned | holes_of(thinned), 1)
    # A ball's middle is at most half a cell's diagonal from a voxel that was kept, which is as much nearer to the edge.
    slack = float(np.linalg.norm(2 * steps)) / 2
    middles = np.argwhere(_depth_mm(filled[::2, ::2, ::2], 2 * steps) > radius_mm - slack)
    if not len(middles):
        return False
    first, last = 2 * middles.min(0) - 1, 2 * middles.max(0) + 1
    reach = np.ceil(radius_mm / steps).astype(int) + 1  # nothing farther away tells whether it fits
    begin = np.maximum(first - reach, 0)
    around = filled[tuple(slice(low, high) for low, high in zip(begin, last + reach + 1, strict=True))]
    inner = tuple(slice(max(0, low), high) for low, high in zip(first - begin, last - begin + 1, strict=True))
    return bool(_depth_mm(around, steps)[inner].max() > radius_mm)


def _depth_mm(mask: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Distance of each voxel of a mask to the nearest one outside of it."""
    from scipy import ndimage

    return np.asarray(ndimage.distance_transform_edt(mask, sampling=steps))
