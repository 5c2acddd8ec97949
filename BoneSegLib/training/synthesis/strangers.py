"""Anatomies without any of the ten bones: a handful of each kind, made once and kept beside the prepared maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap, cached
from BoneSegLib.training.synthesis.head import has_shoulders, head_and_neck
from BoneSegLib.training.synthesis.limbs import lone_bones, long_bones
from BoneSegLib.training.synthesis.tissue import OTHER_BONE

_VARIANTS = 3


def stranger(source: AnatomyMap, *, seed: int, rng: np.random.Generator, cache: Path | None) -> AnatomyMap:
    """A head on the shoulders of ``source`` where it has any, else a limb or lone bones.

    Which one depends on ``rng``; what it looks like on ``seed``, the map and the number of the variant.
    """
    kinds = ["limbs", "lone"] if (source.targets == OTHER_BONE).any() else ["limbs"]
    if has_shoulders(source):
        kinds = ["head", "head", "head", *kinds]
    kind, variant = str(rng.choice(kinds)), int(rng.integers(_VARIANTS))

    def make() -> AnatomyMap:
        own = np.random.default_rng([seed, variant, *source.name.encode()])
        if kind == "head":
            return head_and_neck(source, own)
        return lone_bones(source, own) if kind == "lone" else long_bones(own, spacing=source.spacing)

    return cached(f"{kind}_{source.name}_{variant}", make, cache=cache)
