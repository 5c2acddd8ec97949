"""What is done for bones in CT alone: whether a network finds these and nothing else, and which finds are no bones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.inference.restore import LogitsBlock
from BoneSegLib.models.dataset import Dataset
from BoneSegLib.models.model import Model
from BoneSegLib.postprocessing import BoneLimits
from BoneSegLib.refinement import RefineOptions
from BoneSegLib.volume import count_labels

_INSIDE_THE_MODEL = {"background", "other_bone"}


_HESITATION = 1.0
"""By so much the logits of background of a cascade's last network are too high, by the bone that the bundled one misses
in s0009, which is fainter, with thinner processes, than what it learnt from. Edges that get too far out move back."""


def without_hesitation(blocks: Iterable[LogitsBlock]) -> Iterator[LogitsBlock]:
    """The last network's logits with more bone; for labels of which the edges are moved to the CT's afterwards."""
    for block in blocks:
        logits = block.logits.clone()  # blocks share the planes that they repeat
        logits[0] -= _HESITATION
        yield replace(block, logits=logits)


def refine_options(model: Model, quality: str, *, band_mm: float) -> RefineOptions:
    """How edges move: where `without_hesitation` has drawn them too far out, brightness says more and they less."""
    if names_first(model, quality):
        return RefineOptions(band_mm=band_mm, pull=0.35, brighter=0.6)
    return RefineOptions(band_mm=band_mm)


def knows_bones_alone(dataset: Dataset) -> bool:
    """Bone is brighter than what is around it in a CT; of other labels nothing of the kind is known."""
    return dataset.is_ct and set(dataset.labels) - _INSIDE_THE_MODEL <= set(BY_ID)


_LEAST_VOXELS = 2
"""Of the first network: 0.4 ml for the bundled model. Of 47 bones of two to five voxels that it had named, in 136 whole
fields of view and 451 cut-outs, 26 had a Dice above 0.3 and nine were not there; of 23 smaller ones, nine and eight."""

_NAMED_VOXELS = 0.5
"""Of the first network: 0.1 ml for the bundled model. Of eight bones in 57 fields of view that the second network found
though the first had named less, three were there, all of them at an end of the scan; of the five that were not, two lay
between its ends."""
_NAMED_SHARE = 0.1
"""Of what the second network found. In 80 fields of view, with weights of one round of training more, two bones (2.7
and 9 ml) of which the first had named less were false and a third (1 ml) half so; of all others it had named a third or
more."""
_END_VOXELS = 1.5
"""So close to an end of the scan the first network has no whole voxel to see a bone by."""
_TOPMOST_MM = 30.0
"""Of a vertebra, less than its height, the upper end of the scan may show so much: the spine goes on there. In 587
fields of view twelve were unnamed that reach more than 9 mm into the scan; seven had a Dice of 0.7 to 0.9, three of
0.25, and two were hardly there or not at all."""
_LEAST_UNNAMED_VOXELS = 5
"""There, 1.1 ml for the bundled model: of nine bones of two to five voxels in the same fields one had a Dice above 0.3,
and seven were not there."""


def names_first(model: Model, quality: str) -> bool:
    """Whether a first network says which bones there are, and another one finds their edges, heads up."""
    stages = model.stages_of(quality)
    heads_up = model.canonical and stages[0].plans.transpose == (0, 1, 2)
    return heads_up and len(stages) > 1 and all(knows_bones_alone(stage.dataset) for stage in stages)


def drop_lifted_femurs(labels: np.ndarray, model: Model) -> None:
    """Drops femurs that lie wholly above the middle of the sacrum from ``labels`` (uint8 kji, k upwards, the network's
    labels, in place): the head of a femur is in the hip joint, however the thigh is bent.

    Bowel full of contrast medium is as bright. Of 634 femurs of synthetic cases the lowest point in view was at least
    35 mm below the sacrum's middle.
    """
    from scipy import ndimage

    boxes = ndimage.find_objects(labels)
    sacrum, *femurs = (model.network_labels.get(name, 0) for name in ("sacrum", "femur_left", "femur_right"))
    if not _is_there(sacrum, boxes):
        return
    lowest = boxes[sacrum - 1][0].start
    counts = (labels[boxes[sacrum - 1]] == sacrum).sum((1, 2))
    middle = lowest + float(np.average(np.arange(len(counts)), weights=counts))
    for femur in femurs:
        if _is_there(femur, boxes) and boxes[femur - 1][0].start > middle:
            inside = labels[boxes[femur - 1]]
            inside[inside == femur] = 0


def _is_there(label: int, boxes: Sequence[tuple[slice, ...] | None]) -> bool:
    return 0 < label <= len(boxes) and boxes[label - 1] is not None


def named_mm3(names: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """For each label the volume in ``names`` (uint8 kji, voxels of ``spacing`` mm), which the first network gave."""
    return count_labels(names) * math.prod(spacing)


def drop_unnamed(
    labels: np.ndarray, named: np.ndarray, model: Model, quality: str, spacing: tuple[float, float, float]
) -> None:
    """Drops bones from ``labels`` (kji of an LPS grid, voxels of ``spacing`` mm, the network's labels, in place) of
    which the first network ``named`` (mm3 of each label) next to nothing, but for those that only just come into view
    at the scan's upper or lower end and are not the smallest; of a vertebra the upper end may show more."""
    from scipy import ndimage

    first = model.stages_of(quality)[0].configuration.spacing
    found = count_labels(labels) * math.prod(spacing)
    least = np.maximum(_NAMED_VOXELS * math.prod(first), _NAMED_SHARE * found)
    least_at_end = _LEAST_UNNAMED_VOXELS * math.prod(first)
    near = _END_VOXELS * first[0] / spacing[0]
    topmost = _TOPMOST_MM / spacing[0]
    boxes = ndimage.find_objects(labels)
    for name, label in model.network_labels.items():
        box = boxes[label - 1] if label <= len(boxes) else None
        if box is None or named[label] >= least[label]:
            continue
        is_at_end = _is_at_end(box[0], len(labels), near, topmost if name.startswith("vertebra_") else near)
        if not is_at_end or found[label] < least_at_end:
            inside = labels[box]
            inside[inside == label] = 0


def _is_at_end(levels: slice, count: int, near: float, from_above: float) -> bool:
    """Whether what takes these of ``count`` levels lies ``near`` the lowest one, or ends so near the highest and
    reaches no farther down than ``from_above``."""
    is_above = levels.stop > count - near and levels.start >= count - from_above
    return levels.stop <= near or is_above


def bone_limits(
    model: Model, quality: str, spacing: tuple[float, float, float], *, is_draft: bool = False
) -> BoneLimits | None:
    """For labels with voxels of ``spacing`` mm; `None` if the model finds other things than bones. What is smaller than
    a voxel of the first network, which names them, was not seen as a bone; of a draft more may become of it."""
    first = model.stages_of(quality)[0]
    if not knows_bones_alone(first.dataset):
        return None
    voxel = math.prod(first.configuration.spacing)
    return BoneLimits(spacing=spacing, smallest_mm3=voxel, least_mm3=0.0 if is_draft else _LEAST_VOXELS * voxel)
