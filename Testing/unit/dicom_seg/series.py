"""CT series with boxes of bone in them, for segmentations that refer to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from BoneSegLib.anatomy import BY_ID, STRUCTURES
from BoneSegLib.volume import Geometry, LabelMap
from Testing.scene.dicom_files import write_series
from Testing.support.phantoms import LPS_DIRECTIONS

SHAPE, SPACING = (14, 30, 26), (0.8, 0.8, 2.5)
UID = "1.2.826.0.1.3680043.2.1143.5"
INFO = {"model": "boneseg-bones-1", "model_version": "1.0", "model_sha256": "ab" * 32}


@dataclass(frozen=True, eq=False)
class Scan:
    """The files of a series by slice, and labels on its grid."""

    files: tuple[Path, ...]
    labels: LabelMap


def axial() -> Geometry:
    return Geometry.from_spacing(SHAPE[::-1], SPACING, origin=(60.0, 40.0, -30.0), directions=LPS_DIRECTIONS)


def oblique() -> Geometry:
    """Turned by 20 degrees about S and 10 about R."""
    s, r = np.radians(20), np.radians(10)
    about_s = np.array([[np.cos(s), -np.sin(s), 0], [np.sin(s), np.cos(s), 0], [0, 0, 1]])
    about_r = np.array([[1, 0, 0], [0, np.cos(r), -np.sin(r)], [0, np.sin(r), np.cos(r)]])
    directions = about_s @ about_r @ LPS_DIRECTIONS
    return Geometry.from_spacing(SHAPE[::-1], SPACING, origin=(60.0, 40.0, -30.0), directions=directions)


def tilted() -> Geometry:
    """As a gantry tilted by 15 degrees leaves it: each slice shifted along A."""
    matrix = axial().ijk_to_ras.copy()
    matrix[1, 2] = np.tan(np.radians(15)) * SPACING[2]
    return Geometry(SHAPE[::-1], matrix)


def boxes(geometry: Geometry) -> LabelMap:
    """Left hip and L1 as boxes side by side, a sacrum in two slices apart, all else empty; also in the edge slices."""
    array = np.zeros(SHAPE, np.uint8)
    array[0:9, 4:20, 3:9] = BY_ID["hip_left"].label
    array[5:14, 4:20, 10:20] = BY_ID["vertebra_L1"].label
    array[2, 25:28, 1:20] = array[6, 25:28, 1:20] = BY_ID["sacrum"].label
    return LabelMap(array, geometry, STRUCTURES, dict(INFO))


def scan(folder: Path, geometry: Geometry, *, leave_out: tuple[int, ...] = ()) -> Scan:
    files = write_series(folder, np.zeros(SHAPE, np.int16), geometry, uid=UID, leave_out=leave_out)
    return Scan(tuple(files), boxes(geometry))
