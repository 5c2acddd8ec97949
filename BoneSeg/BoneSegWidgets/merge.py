"""New labels together with the bones that a segmentation already has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.scene.labels import labelmap_from_segmentation
from BoneSegLib.volume import LabelMap


def withOtherBones(labels: LabelMap, segmentationNode) -> LabelMap:
    """Bones of ours that are in the segmentation but not in ``labels`` are kept where ``labels`` leaves room."""
    present = segmentationNode.GetSegmentation().GetSegmentIDs()
    found = {structure.id for structure in labels.structures}
    others = [BY_ID[segmentId] for segmentId in present if segmentId in BY_ID and segmentId not in found]
    if not others:
        return labels
    kept = labelmap_from_segmentation(segmentationNode, labels.geometry, structures=others)
    structures = tuple(sorted((*labels.structures, *others), key=lambda structure: structure.label))
    return replace(labels, array=np.where(labels.array == 0, kept.array, labels.array), structures=structures)
