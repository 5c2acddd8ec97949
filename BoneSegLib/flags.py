"""What a person wants to know of each bone at once: its size, and what to look at again. Nothing changes a result."""

from __future__ import annotations

import numpy as np

from BoneSegLib.anatomy import Structure
from BoneSegLib.volume import LabelMap

_LARGE_PIECE = 0.1
"""A second piece counts when it has this share of the largest one's voxels."""


def flags_of(labels: LabelMap) -> dict[str, list[str]]:
    """Remarks per structure id; structures without one are left out."""
    from scipy import ndimage

    boxes = ndimage.find_objects(labels.array)
    found: dict[str, list[str]] = {}
    centres: dict[str, float] = {}
    for structure in labels.structures:
        box = boxes[structure.label - 1] if structure.label <= len(boxes) else None
        if box is None:
            found[structure.id] = ["not found"]
            continue
        mask = labels.array[box] == structure.label
        centres[structure.id] = _right_of(mask, box, labels)
        texts = [*_cut(box, labels), *_pieces(mask), *_size(mask, structure, labels, cut=bool(_cut(box, labels)))]
        if texts:
            found[structure.id] = texts
    for structure in labels.structures:
        if _is_on_wrong_side(structure, centres):
            found.setdefault(structure.id, []).append("side doubtful")
    return found


def measures_of(labels: LabelMap, image: np.ndarray) -> dict[str, dict[str, float]]:
    """``volume_ml`` and ``hu_mean`` per structure id; structures without voxels are left out."""
    from scipy import ndimage

    boxes = ndimage.find_objects(labels.array)
    found = {}
    for structure in labels.structures:
        box = boxes[structure.label - 1] if structure.label <= len(boxes) else None
        if box is not None:
            mask = labels.array[box] == structure.label
            volume_ml = float(np.count_nonzero(mask)) * labels.geometry.voxel_volume / 1000.0
            found[structure.id] = {"volume_ml": volume_ml, "hu_mean": float(image[box][mask].mean())}
    return found


def _cut(box: tuple[slice, ...], labels: LabelMap) -> list[str]:
    at_edge = any(part.start == 0 or part.stop == size for part, size in zip(box, labels.array.shape, strict=True))
    return ["cut by the field of view"] if at_edge else []


def _pieces(mask: np.ndarray) -> list[str]:
    from scipy import ndimage

    pieces, count = ndimage.label(mask)
    if count < 2:
        return []
    sizes = np.bincount(pieces.ravel())[1:]
    large = int((sizes >= _LARGE_PIECE * sizes.max()).sum())
    return [f"{large} fragments"] if large > 1 else []


def _size(mask: np.ndarray, structure: Structure, labels: LabelMap, *, cut: bool) -> list[str]:
    if structure.volume_ml is None:
        return []
    volume = int(np.count_nonzero(mask)) * labels.geometry.voxel_volume / 1000.0
    low, high = structure.volume_ml
    if volume > high:
        return ["unusually large"]
    return ["unusually small"] if volume < low and not cut else []


def _right_of(mask: np.ndarray, box: tuple[slice, ...], labels: LabelMap) -> float:
    """How far to the patient's right the middle of a bone lies, in mm (the R of RAS)."""
    kji = []
    for axis, part in enumerate(box):
        profile = np.count_nonzero(mask, axis=tuple(other for other in range(3) if other != axis))
        kji.append(part.start + float(profile @ np.arange(len(profile))) / float(profile.sum()))
    row = labels.geometry.ijk_to_ras[0]
    return float(row[:3] @ np.array(kji[::-1]) + row[3])


def _is_on_wrong_side(structure: Structure, centres: dict[str, float]) -> bool:
    """A left bone that lies further to the right than its right counterpart, or the other way round."""
    if structure.side is None:
        return False
    stem = structure.id.removesuffix(structure.side)
    left, right = centres.get(stem + "left"), centres.get(stem + "right")
    return left is not None and right is not None and left > right
