"""How much memory a run will take, told before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from BoneSegLib.errors import ResourceError
from BoneSegLib.inference.resample import Shape
from BoneSegLib.models.architecture import Architecture

_FLOAT = 4
_MOST_WINDOWS_AT_ONCE = 8
_SLICES_READ_AT_ONCE = 16
_PLANES_DECIDED_AT_ONCE = 8


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes that a stage adds to what is in memory before: the image on the network's grid, what resampling it takes
    for a while, the logits that are summed up, the network at work, the deciding of labels, and the labels."""

    image: int
    resampling: int
    logits: int
    network: int
    deciding: int
    labels: int

    @property
    def total(self) -> int:
        """The peak: resampling is over when the network works, and that waits while labels are decided. Labels take
        memory only from when they are written."""
        return self.image + max(self.resampling, self.labels + self.logits + max(self.network, self.deciding))


def plan_stage(
    architecture: Architecture,
    *,
    patch: Shape,
    grid: Shape,
    heads: int,
    in_channels: int,
    volume: Shape,
    precision: str,
    box: Shape | None = None,
) -> MemoryPlan:
    """The peak of one stage on an image of ``volume`` voxels.

    ``grid``: the network's grid over the image, ``box``: the part of it that windows lie in (all of it for ``None``).
    """
    grid = _at_least(grid, patch)
    box = grid if box is None else _at_least(box, patch)
    plane, voxels = box[1] * box[2], math.prod(box)
    names = 2 * math.prod(grid) if in_channels > 1 else 0
    # Some slices in float, and about three times as much for their products along both axes (measured).
    read = 4 * _SLICES_READ_AT_ONCE * volume[1] * volume[2]
    rows = math.ceil(volume[1] * box[1] / grid[1])
    return MemoryPlan(
        image=_FLOAT * voxels + names,
        resampling=_FLOAT * (volume[0] * plane + read),
        # The sums over a window's length of planes and, while they move on, up to half of them again.
        logits=_FLOAT * (patch[0] + 1) * plane * (heads + 1) + _FLOAT * patch[0] // 2 * plane * heads,
        network=_network_bytes(architecture, patch, heads=heads, in_channels=in_channels, precision=precision),
        deciding=2 * _FLOAT * _PLANES_DECIDED_AT_ONCE * rows * box[2] * heads,
        labels=math.prod(volume),
    )


def windows_at_once(plan: MemoryPlan, free: int | None) -> int:
    """How many windows go through a network together on a device of its own with ``free`` bytes.

    On a CPU (``None``) one does: more of them only take more memory. Half of what is free is left to the kernels.
    """
    if free is None:
        return 1
    return min(max((free // 2 - plan.logits) // plan.network, 1), _MOST_WINDOWS_AT_ONCE)


def require_memory(plan: MemoryPlan, available: int | None) -> None:
    """Raises `ResourceError` when the plan does not fit; ``available`` in bytes, `None` if unknown."""
    if available is not None and plan.total > available:
        raise ResourceError(
            "There is not enough memory for this volume.",
            cause=f"It needs about {plan.total / 2**30:.1f} GB, and {available / 2**30:.1f} GB are free.",
            remedy="Limit the run to a region or to fewer structures, or close other programs.",
        )


def _network_bytes(architecture: Architecture, patch: Shape, *, heads: int, in_channels: int, precision: str) -> int:
    """The widest moment of the decoder's finest level: two feature maps, both of them joined, and the skipped ones of
    the levels below, or the answer beside its weighted sum; and a window's input."""
    voxels, width = math.prod(patch), 2 if precision == "bf16" else _FLOAT
    finest = architecture.features[0]
    return voxels * (max(5 * finest * width, finest * width + 2 * heads * _FLOAT) + 2 * in_channels * _FLOAT)


def _at_least(shape: Shape, patch: Shape) -> Shape:
    a, b, c = (max(size, length) for size, length in zip(shape, patch, strict=True))
    return (a, b, c)
