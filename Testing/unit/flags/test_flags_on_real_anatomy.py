"""How often flags fire in vain: on the label maps of real people, as they are and deformed as training deforms them."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.flags import flags_of, kinds
from BoneSegLib.headless.read import read_volume
from BoneSegLib.inference.frame import make_frame
from BoneSegLib.training.synthesis.deformation import DeformationOptions, sampling_points, warp
from BoneSegLib.volume import Geometry, LabelMap

TOTAL_LABELS = {77: 1, 78: 2, 25: 3, 26: 3, 75: 4, 76: 5, 31: 6, 30: 7, 29: 8, 28: 9, 27: 10}
"""TotalSegmentator's values of our bones."""

MAPS = ["s0000", "s0001", "s0004", "s0006", "s0011", "s0327", "s0328", "sunknown"]
SPACING_MM = 3.0
NEVER = {kinds.SIDE, kinds.APART, kinds.HEAD, kinds.ORDER, kinds.LEVEL}
"""What no right label map has. A bone may well be cut, small or absent in these."""


def every_second_voxel(path) -> np.ndarray:
    """Our labels in LPS order at 3 mm (the maps have 1.5 mm)."""
    volume = read_volume(path)
    table = np.zeros(256, np.uint8)
    for theirs, ours in TOTAL_LABELS.items():
        table[theirs] = ours
    frame = make_frame(np.ones_like(volume.array), volume.geometry, canonical=True, transpose=(0, 1, 2))
    return table[frame.view(volume.array)[::2, ::2, ::2].astype(np.uint8)]


def placed(array: np.ndarray) -> LabelMap:
    directions = np.diag([-1.0, -1.0, 1.0])
    return LabelMap(array, Geometry.from_spacing(array.shape[::-1], (SPACING_MM,) * 3, directions=directions))


@pytest.mark.real_data
@pytest.mark.parametrize("name", MAPS)
def test_right_label_maps_have_no_flag_of_position(shared_data, name):
    array = every_second_voxel(shared_data / "labelmaps" / f"{name}.nii.gz")
    maps = [array]
    for seed in range(2):
        middle = (np.array(array.shape) - 1) / 2
        rng = np.random.default_rng(seed)
        points = sampling_points(array.shape, center=middle, spacing=SPACING_MM, options=DeformationOptions(), rng=rng)
        maps.append(warp(array, points, nearest=True).astype(np.uint8))
    for one in maps:
        fired = {bone: NEVER.intersection(flags) for bone, flags in flags_of(placed(one)).items()}
        assert {bone: flags for bone, flags in fired.items() if flags} == {}


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["s0004", "s0011", "s0327", "s0328", "sunknown"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_hip_bone_that_takes_in_the_femoral_head_is_flagged(shared_data, name, side):
    array = every_second_voxel(shared_data / "labelmaps" / f"{name}.nii.gz")
    hip, femur = BY_ID[f"hip_{side}"].label, BY_ID[f"femur_{side}"].label
    array[head_of(array == femur, array == hip)] = hip
    assert kinds.HEAD in flags_of(placed(array))[f"hip_{side}"]


def head_of(femur: np.ndarray, hip: np.ndarray) -> np.ndarray:
    """The voxels around the place near the hip bone that lies deepest in the femur."""
    from scipy import ndimage

    box = ndimage.find_objects((femur | hip).astype(np.uint8))[0]
    to_hip = ndimage.distance_transform_edt(~hip[box]) * SPACING_MM
    depth = np.where(to_hip < 35, ndimage.distance_transform_edt(femur[box]) * SPACING_MM, 0)
    away = np.ones(depth.shape, dtype=bool)
    away[np.unravel_index(depth.argmax(), depth.shape)] = False
    head = np.zeros_like(femur)
    head[box] = femur[box] & (ndimage.distance_transform_edt(away) * SPACING_MM < depth.max() + 4)
    return head


@pytest.mark.real_data
def test_bones_of_real_people_that_are_whole_have_plausible_sizes(shared_data):
    whole = ["s0011", "s0327", "s0328", "sunknown"]
    for name in whole:
        flags = flags_of(placed(every_second_voxel(shared_data / "labelmaps" / f"{name}.nii.gz")))
        assert {flag for flags in flags.values() for flag in flags} <= {kinds.CUT}, name
