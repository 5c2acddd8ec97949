"""What several tests of the scene start from."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.volume import Volume
from Testing.support.segmentations import GEOMETRY


@pytest.fixture
def a_volume_node(a_scene):
    from BoneSegLib.scene.volume_node import add_volume_node

    return add_volume_node(Volume(np.full(GEOMETRY.shape, 40, np.int16), GEOMETRY, name="CT"))
