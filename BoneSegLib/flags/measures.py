"""The size and the brightness of each bone, for a table at a glance."""

from __future__ import annotations

import numpy as np

from BoneSegLib.flags.bones import bones_of
from BoneSegLib.volume import LabelMap


def measures_of(labels: LabelMap, image: np.ndarray) -> dict[str, dict[str, float]]:
    """``volume_ml`` and ``hu_mean`` per structure id; structures without voxels are left out."""
    return {
        name: {"volume_ml": bone.volume_ml, "hu_mean": float(image[bone.box][bone.mask].mean())}
        for name, bone in bones_of(labels).items()
    }
