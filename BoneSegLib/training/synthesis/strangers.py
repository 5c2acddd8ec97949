"""Anatomies without any of the ten bones: a handful of each kind, made once and kept beside the prepared maps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap, cached
from BoneSegLib.training.synthesis.head import has_shoulders, head_and_neck
from BoneSegLib.training.synthesis.limbs import lone_bones, long_bones
from BoneSegLib.training.synthesis.tissue import OTHER_BONE

_VARIANTS = 3
_SHARES = {"head": 0.6, "limbs": 0.2, "lone": 0.2}


def stranger(sources: Iterable[AnatomyMap], *, seed: int, rng: np.random.Generator, cache: Path | None) -> AnatomyMap:
    """A head on the shoulders of the first of ``sources`` that has any, or lone bones of the first, or a limb.

    Which one depends on ``rng``; what it looks like on ``seed``, the map and the number of the variant.
    """
    kind, variant = str(rng.choice(list(_SHARES), p=list(_SHARES.values()))), int(rng.integers(_VARIANTS))
    fits = has_shoulders if kind == "head" else _has_other_bones
    source = next((source for source in sources if fits(source)), None)
    name = source.name if source else "any"

    def make() -> AnatomyMap:
        own = np.random.default_rng([seed, variant, *name.encode()])
        if source is None or kind == "limbs":
            return long_bones(own)
        return head_and_neck(source, own) if kind == "head" else lone_bones(source, own)

    origin = f"{seed} {hashlib.sha256(source.labels.tobytes()).hexdigest() if source else ''}"
    return cached(f"{kind if source else 'limbs'}_{name}_{variant}", make, cache=cache, origin=origin)


def _has_other_bones(source: AnatomyMap) -> bool:
    return bool((source.targets == OTHER_BONE).sum() > 1000)
