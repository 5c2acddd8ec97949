"""What can be said of a bone without looking at others: cut, in pieces, too large or too small."""

from __future__ import annotations

import numpy as np

from BoneSegLib.flags import kinds
from BoneSegLib.flags.bones import Bone
from BoneSegLib.pieces import pieces_of

_LARGE_PIECE = 0.1
"""A second piece counts when it has this share of the largest one's voxels."""


def flags_alone(bone: Bone) -> list[str]:
    """Its flags; a bone that is cut is not judged by what it lacks."""
    found = [kinds.CUT] if bone.is_cut_by_image else []
    if bone.is_cut_by_region:
        found.append(kinds.CUT_BY_REGION)
    pieces = _large_pieces(bone.mask)
    if pieces > 1:
        found.append(kinds.fragments(pieces))
    if bone.structure.volume_ml is not None:
        low, high = bone.structure.volume_ml
        if bone.volume_ml > high:
            found.append(kinds.LARGE)
        elif bone.volume_ml < low and not bone.is_cut:
            found.append(kinds.SMALL)
    return found


def _large_pieces(mask: np.ndarray) -> int:
    pieces, count = pieces_of(mask)
    if count < 2:
        return count
    sizes = np.bincount(pieces[mask], minlength=count + 1)[1:]
    return int((sizes >= _LARGE_PIECE * sizes.max()).sum())
