"""Is the femoral head inside the hip bone's label?

A hip bone is flat, and hollow where the head lies: the largest ball in it is small for its size. In the label maps of
eight people its radius is 0.21 to 0.25 of the cube root of the bone's volume, with the head inside 0.27 and more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from BoneSegLib.flags import kinds
from BoneSegLib.flags.bones import Bone

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
    return _largest_ball_mm(hip) > (_CUT_MM if hip.is_cut else max(_LEAST_MM, _SHARE * size_mm))


def _largest_ball_mm(bone: Bone) -> float:
    """The radius of the largest ball within the bone, its holes filled (a network may see only the head's rim)."""
    from scipy import ndimage

    strides = [max(1, int(_FINE_MM / step)) for step in bone.geometry.spacing[::-1]]
    thinned = bone.mask[tuple(slice(None, None, stride) for stride in strides)]
    filled = np.pad(ndimage.binary_fill_holes(thinned), 1)
    steps = [step * stride for step, stride in zip(bone.geometry.spacing[::-1], strides, strict=True)]
    return float(ndimage.distance_transform_edt(filled, sampling=steps).max())
