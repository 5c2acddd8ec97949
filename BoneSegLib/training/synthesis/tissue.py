"""What the labels of an anatomy map are made of, and which of them are bones to be named.

Anatomy maps hold the values of the TotalSegmentator v2 ``total`` task (Wasserthal et al. 2023).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

OTHER_BONE = 11
"""The eleventh training label: bones that the network must tell from its ten (ribs, thoracic spine, arms, skull)."""

CLASS_COUNT = 12

SPINAL_CORD = 79
BLADDER, MUSCLE, THYROID, TRACHEA = 21, 86, 17, 16
VERTEBRA_C7, VERTEBRA_C1 = 44, 50
HUMERI = (69, 70)
SKULL = 91
TOOTH = 118
"""Beyond the values of TotalSegmentator: brighter than any bone."""

_TARGETS = {
    77: 1, 78: 2, 25: 3, 26: 3, 75: 4, 76: 5,  # hips, sacrum (S1 is part of it), femurs
    31: 6, 30: 7, 29: 8, 28: 9, 27: 10,  # L1 to L5
}  # fmt: skip
_OTHER_BONES = [*range(32, 51), *range(69, 75), 91, *range(92, 117), TOOTH]

_GROUPS: dict[str, list[int]] = {
    "lung": [*range(10, 15), 16],
    "bowel": [6, 15, 18, 19, 20],
    "fluid": [4, 21, 23],
    "vessel": [*range(51, 69)],
    "muscle": [*range(80, 90)],
    "cartilage": [117],
    "kidney": [2, 3],
    "nerve": [79, 90],
    "organ": [1, 5, 7, 8, 9, 17, 22],
}


def target_table() -> NDArray[np.uint8]:
    """Training label (0-11) for each of the 256 anatomy values."""
    table = np.zeros(256, np.uint8)
    table[_OTHER_BONES] = OTHER_BONE
    for value, label in _TARGETS.items():
        table[value] = label
    return table


def group_values(group: str) -> list[int]:
    """The anatomy values of a group of soft tissue: ``lung``, ``bowel``, ``vessel``, ..."""
    return _GROUPS[group]


def mirrored_labels() -> NDArray[np.uint8]:
    """Training labels after a left-right mirror: sides swapped, all others themselves."""
    table = np.arange(CLASS_COUNT, dtype=np.uint8)
    table[[1, 2, 4, 5]] = [2, 1, 5, 4]
    return table
