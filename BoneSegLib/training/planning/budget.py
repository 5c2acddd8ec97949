"""How much a network of a certain window needs, in elements of feature maps."""

from __future__ import annotations

from collections.abc import Sequence

from BoneSegLib.models.architecture import Architecture, Triple

_REFERENCE_ELEMENTS = 560e6
_REFERENCE_GB = 8.0
_CONVOLUTIONS = 2


def elements_within(memory_gb: float) -> float:
    """Elements of feature maps that a graphics card of this size holds at a batch of 2: nnU-Net measured 560 million
    for 8 GB."""
    return _REFERENCE_ELEMENTS * memory_gb / _REFERENCE_GB


def feature_elements(architecture: Architecture, patch: Triple, *, labels: int) -> float:
    """Outputs of all convolutions for one window.

    Two a stage on the way down; on the way up the transposed convolution and two more; and the logits of each level
    that deep supervision looks at.
    """
    sizes = _voxels_per_stage(architecture.strides, patch)
    down = sum(_CONVOLUTIONS * count * size for count, size in zip(architecture.features, sizes, strict=True))
    up = sum((1 + _CONVOLUTIONS) * count * size for count, size in zip(architecture.features[:-1], sizes, strict=False))
    logits = sum((labels + 1) * size for size in sizes[:-2])
    return float(down + up + logits)


def _voxels_per_stage(strides: Sequence[Triple], patch: Triple) -> list[float]:
    current = [float(size) for size in patch]
    found = []
    for stride in strides:
        current = [size / step for size, step in zip(current, stride, strict=True)]
        found.append(current[0] * current[1] * current[2])
    return found
