"""Where a network halves its resolution, and along which axes its kernels reach."""

from __future__ import annotations

import math
from dataclasses import dataclass

from BoneSegLib.inference.resample import Spacing
from BoneSegLib.models.architecture import Triple

SMALLEST_MAP = 4
"""No axis of a feature map becomes shorter than this."""
_MOST_STAGES = 9


@dataclass(frozen=True)
class Topology:
    """``kernels`` and ``strides`` per stage, and the ``patch`` enlarged until the strides divide it."""

    kernels: tuple[Triple, ...]
    strides: tuple[Triple, ...]
    patch: Triple

    @property
    def divisor(self) -> Triple:
        """What the patch is a multiple of."""
        k, j, i = (math.prod(stride[axis] for stride in self.strides) for axis in range(3))
        return (k, j, i)


def topology_for(patch: Triple, spacing: Spacing) -> Topology:
    """nnU-Net's rules.

    An axis is halved while 4 voxels or more remain and its spacing is less than twice the finest that can be halved:
    so resolutions become alike on the way down. A single axis is not halved alone unless 12 voxels are left. Kernels
    span one voxel along an axis that is twice as coarse as the finest or more, and three from there on where it is not.
    """
    sizes, steps = list(patch), list(spacing)
    halvings = [0, 0, 0]
    reach = [1, 1, 1]
    kernels: list[Triple] = []
    strides: list[Triple] = [(1, 1, 1)]
    while len(strides) < _MOST_STAGES:
        long_enough = [axis for axis in range(3) if sizes[axis] >= 2 * SMALLEST_MAP]
        if not long_enough:
            break
        finest = min(steps[axis] for axis in long_enough)
        halved = [axis for axis in long_enough if steps[axis] / finest < 2]
        if len(halved) == 1 and sizes[halved[0]] < 3 * SMALLEST_MAP:
            break
        reach = [3 if reach[axis] == 3 or steps[axis] / min(steps) < 2 else 1 for axis in range(3)]
        kernels.append((reach[0], reach[1], reach[2]))
        for axis in halved:
            halvings[axis] += 1
            steps[axis] *= 2
            sizes[axis] = math.ceil(sizes[axis] / 2)
        k, j, i = (2 if axis in halved else 1 for axis in range(3))
        strides.append((k, j, i))
    k, j, i = (math.ceil(size / 2**n) * 2**n for size, n in zip(patch, halvings, strict=True))
    return Topology((*kernels, (3, 3, 3)), tuple(strides), (k, j, i))
