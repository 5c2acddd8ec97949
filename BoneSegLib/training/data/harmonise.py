"""Every case in the axes in which networks are trained here: LPS, whatever way it was stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.inference.frame import make_frame, needs_straightening, resample_between, straight_geometry
from BoneSegLib.inference.resample import Spacing
from BoneSegLib.inference.stage import AIR_HU
from BoneSegLib.volume import LabelMap, Volume


@dataclass(frozen=True, eq=False)
class StraightCase:
    """``image`` (values as stored) and ``labels`` (uint8), both kji: k to the head, j to the back, i to the left.

    ``spacing`` in mm along k, j, i. Borders that hold nothing but 0 are cut off, as nnU-Net does.
    """

    name: str
    image: NDArray
    labels: NDArray[np.uint8]
    spacing: Spacing


def harmonise(volume: Volume, labels: LabelMap, *, is_ct: bool) -> StraightCase:
    """The same steps as before inference, so that the network learns on what it will see."""
    image, drawn, grid = volume.array, labels.array, volume.geometry
    if needs_straightening(grid):
        box = straight_geometry(grid)
        outside = AIR_HU if is_ct else float(image.min())
        image = resample_between(image, grid, box, linear=True, fill=outside)
        drawn = resample_between(drawn, grid, box, linear=False, fill=0)
        grid = box
    frame = make_frame(image, grid, canonical=True, transpose=(0, 1, 2))
    return StraightCase(volume.name, frame.view(image), frame.view(drawn), frame.spacing(grid))
