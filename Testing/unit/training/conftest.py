"""A block person: an anatomy map small enough to synthesise in a moment."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap, prepare_anatomy

SHAPE = (180, 36, 48)


def _block_person() -> np.ndarray:
    """Anatomy values (kji, k superior, i left): femurs, hips, sacrum, L5-L1, then thoracic spine and ribs."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[:, 6:30, 6:42] = 80  # muscle all round
    labels[4:20, 14:20, 34:40], labels[4:20, 14:20, 8:14] = 75, 76
    labels[14:34, 14:22, 28:33], labels[14:34, 14:22, 15:20] = 77, 78
    labels[22:34, 18:26, 21:27] = 25
    for number, value in enumerate((27, 28, 29, 30, 31)):
        labels[36 + 6 * number : 40 + 6 * number, 18:26, 21:27] = value
    for number in range(18):
        labels[66 + 6 * number : 70 + 6 * number, 18:26, 21:27] = 32 + min(number, 11)
    labels[70:170:8, 8:10, 10:38] = 100
    return labels


@pytest.fixture(scope="session")
def a_block_person() -> AnatomyMap:
    return prepare_anatomy("block", _block_person(), 1.5)
