"""Is a result plausible where nobody drew the truth?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from BoneSegLib.flags import flags_of
from BoneSegLib.flags.bones import bones_of
from BoneSegLib.volume import LabelMap, Volume

BONE_HU = 250.0


@dataclass(frozen=True)
class Plausibility:
    """One structure of one case: its volume, its pieces, and the flags that a user would see.

    ``dense_share``: of the voxels above 250 HU in the box around the structure, how many are labelled, as whatever
    bone. A rough measure: vessels and bowel with contrast count against it, and so do bones that have no name.
    """

    structure: str
    volume_ml: float
    pieces: int
    largest_share: float
    dense_share: float
    flags: str


def plausibility_of(image: Volume, labels: LabelMap, *, is_ct: bool) -> list[Plausibility]:
    """One row per structure of ``labels``, found or not; ``dense_share`` is nan where the image is no CT."""
    from scipy import ndimage

    bones, flags = bones_of(labels), flags_of(labels)
    rows = []
    for structure in labels.structures:
        told = "; ".join(flags.get(structure.id, []))
        bone = bones.get(structure.id)
        if bone is None:
            rows.append(Plausibility(structure.id, 0.0, 0, float("nan"), float("nan"), told))
            continue
        sizes = np.bincount(ndimage.label(bone.mask)[0].ravel())[1:]
        dense = image.array[bone.box] > BONE_HU
        labelled = float(np.mean(labels.array[bone.box][dense] > 0)) if is_ct and dense.any() else float("nan")
        rows.append(
            Plausibility(structure.id, bone.volume_ml, len(sizes), float(sizes.max() / sizes.sum()), labelled, told)
        )
    return rows


def dense_share(image: Volume, labels: LabelMap) -> float:
    """Share of the voxels above 250 HU, within the boxes around all structures together, that are labelled."""
    region = np.zeros(labels.array.shape, bool)
    for bone in bones_of(labels).values():
        region[bone.box] = True
    dense = region & (image.array > BONE_HU)
    return float(np.mean(labels.array[dense] > 0)) if dense.any() else float("nan")


def volumes_ml(labels: LabelMap) -> dict[str, float]:
    """ml of each structure: on an image that shows none of them, all of it is false."""
    counts = np.bincount(labels.array.ravel(), minlength=256)
    step = labels.geometry.voxel_volume / 1000.0
    return {structure.id: float(counts[structure.label] * step) for structure in labels.structures}
