"""The first network of a cascade says which bones there are; what the second alone calls another bone is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib import Geometry, SegmentOptions, Volume, segment
from BoneSegLib.inference import stage
from BoneSegLib.inference.bones import drop_lifted_femurs, drop_unnamed, named_mm3, names_first
from BoneSegLib.inference.loading import LoadedStage, load_model

SACRUM, LEFT_FEMUR, RIGHT_FEMUR, L5, HEADS = 3, 4, 5, 10, 12
LOW_HU, HIGH_HU = 300, 900


def _as_logits(labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(labels.long(), HEADS).movedim(-1, 1).float()


@pytest.fixture
def a_second_network_with_a_bone_of_its_own(monkeypatch):
    """The first network calls all that is bright sacrum; the second calls what is brighter L5."""

    def load(of: stage.Stage, *_: object) -> LoadedStage:
        low, high = ((hu - of.intensity.mean) / of.intensity.std for hu in (LOW_HU, HIGH_HU))

        def first(batch: torch.Tensor) -> torch.Tensor:
            return _as_logits(SACRUM * (batch[:, 0] > low))

        def second(batch: torch.Tensor) -> torch.Tensor:
            return _as_logits(torch.where(batch[:, 0] > high, L5, SACRUM * (batch[:, 0] > low)))

        return LoadedStage((first if of.configuration.previous_stage is None else second,), ())

    monkeypatch.setattr(stage, "load_stage", load)


def _found(*, speck: bool = False, **options: object) -> dict[int, int]:
    """``speck``: at the scan's lower end, away from the rest, eight voxels are as bright as its upper half."""
    array = np.full((60, 40, 40), -500, np.int16)
    array[10:50, 10:30, 10:30] = 500
    array[30:50, 10:30, 10:30] = 1200
    if speck:
        array[:2, 12:14, 12:14] = 1200
    volume = Volume(array, Geometry.from_spacing((40, 40, 60), (2.0, 2.0, 2.0)))
    plain = SegmentOptions(device="cpu", precision="fp32", force=True, discs=False, refine=False, second_look=False,
                           **options)  # fmt: skip
    labels, counts = np.unique(segment(volume, plain).array, return_counts=True)
    return {int(label): int(count) for label, count in zip(labels, counts, strict=True) if label}


@pytest.mark.usefixtures("a_second_network_with_a_bone_of_its_own")
def test_a_bone_that_the_first_network_did_not_name_is_left_out():
    assert set(_found()) == {SACRUM}


@pytest.mark.usefixtures("a_second_network_with_a_bone_of_its_own")
def test_it_is_kept_where_that_is_asked_for_and_nothing_else_changes():
    kept, dropped = _found(drop_unnamed=False), _found()
    assert kept[L5] == pytest.approx(20**3, rel=0.05)
    assert kept[SACRUM] == dropped[SACRUM]


def _is_left(labels: np.ndarray, named_mm3: float = 0.0) -> bool:
    """Whether the one bone in ``labels`` is, of which the first network ``named_mm3``."""
    drop_unnamed(labels, np.full(256, named_mm3), load_model(None), "full", (2.0, 2.0, 2.0))
    return bool(labels.any())


@pytest.mark.parametrize(("first", "stop", "left"), [(0, 4, True), (2, 4, True), (0, 5, False), (10, 12, False)])
@pytest.mark.parametrize(("bone", "at_head"), [(RIGHT_FEMUR, True), (RIGHT_FEMUR, False), (L5, False)])
def test_a_bone_that_only_comes_into_view_at_an_end_of_the_scan_is_kept(first, stop, left, bone, at_head):
    """That is one and a half voxels of the first network, 9 mm, and slices of 2 mm."""
    labels = np.zeros((30, 20, 20), np.uint8)
    labels[slice(30 - stop, 30 - first) if at_head else slice(first, stop), 4:16, 4:16] = bone
    assert _is_left(labels) == left


@pytest.mark.parametrize(("first", "stop", "left"), [(15, 30, True), (14, 30, False), (15, 26, True), (15, 25, False)])
def test_of_a_vertebra_the_upper_end_of_the_scan_may_show_three_centimetres(first, stop, left):
    """If it begins there: within 9 mm."""
    labels = np.zeros((30, 20, 20), np.uint8)
    labels[first:stop, 4:16, 4:16] = L5
    assert _is_left(labels) == left


@pytest.mark.parametrize(("voxels", "left"), [(134, False), (135, True)])
def test_at_an_end_of_the_scan_it_has_to_be_as_large_as_five_voxels_of_the_first_network(voxels, left):
    """1080 mm3, and a voxel of the labels has 8."""
    labels = np.zeros((30, 20, 20), np.uint8)
    labels[:2].flat[:voxels] = L5
    assert _is_left(labels) == left


def test_the_sides_of_a_scan_are_no_ends():
    labels = np.zeros((30, 20, 20), np.uint8)
    labels[12:18, :, :3] = L5
    assert not _is_left(labels)


@pytest.mark.parametrize(
    ("voxels", "named", "left"), [(100, 107, False), (100, 108, True), (800, 639, False), (800, 640, True)]
)
def test_half_a_voxel_of_the_first_network_and_a_tenth_of_the_bone_are_enough_of_a_name(voxels, named, left):
    """Its voxels are 6 mm wide: half a one is 108 mm3, a tenth of 800 voxels of 2 mm is 640 mm3."""
    labels = np.zeros((30, 20, 20), np.uint8)
    labels[10:20].flat[:voxels] = L5
    assert _is_left(labels, named) == left


def test_what_a_network_named_is_measured_in_mm3():
    names = np.zeros((10, 10, 10), np.uint8)
    names.flat[:14] = L5
    assert named_mm3(names, (2.0, 1.0, 3.0))[L5] == 14 * 6


@pytest.mark.parametrize(("lowest", "left"), [(0, True), (14, True), (15, False), (25, False)])
@pytest.mark.parametrize("femur", [LEFT_FEMUR, RIGHT_FEMUR])
def test_a_femur_above_the_middle_of_the_sacrum_is_none(femur, lowest, left):
    labels = np.zeros((40, 12, 12), np.uint8)
    labels[10:20, 2:6, 2:6] = SACRUM  # its middle lies at 14.5
    labels[lowest:38, 8:11, 8:11] = femur
    before = labels.copy()
    drop_lifted_femurs(labels, load_model(None))
    np.testing.assert_array_equal(labels, before if left else np.where(before == femur, 0, before))


def test_the_middle_of_the_sacrum_is_that_of_its_voxels():
    labels = np.zeros((40, 12, 12), np.uint8)
    labels[10:20, 5, 5] = SACRUM
    labels[20:22, 0:10, 0:10] = SACRUM
    labels[18:30, 11, 11] = LEFT_FEMUR
    before = labels.copy()
    drop_lifted_femurs(labels, load_model(None))
    np.testing.assert_array_equal(labels, before)


def test_without_a_sacrum_nobody_knows_where_a_femur_belongs():
    labels = np.zeros((20, 8, 8), np.uint8)
    labels[15:, 2:4, 2:4], labels[:5, 5:7, 5:7] = LEFT_FEMUR, L5
    before = labels.copy()
    drop_lifted_femurs(labels, load_model(None))
    np.testing.assert_array_equal(labels, before)


@pytest.fixture
def networks_that_take_what_is_bright_above_for_a_femur(monkeypatch):
    def load(of: stage.Stage, *_: object) -> LoadedStage:
        low, high = ((hu - of.intensity.mean) / of.intensity.std for hu in (LOW_HU, HIGH_HU))

        def both(batch: torch.Tensor) -> torch.Tensor:
            return _as_logits(torch.where(batch[:, 0] > high, LEFT_FEMUR, SACRUM * (batch[:, 0] > low)))

        return LoadedStage((both,), ())

    monkeypatch.setattr(stage, "load_stage", load)


@pytest.mark.usefixtures("networks_that_take_what_is_bright_above_for_a_femur")
def test_a_femur_above_the_sacrum_is_found_only_where_that_is_asked_for():
    assert set(_found()) == {SACRUM}
    assert set(_found(drop_lifted=False)) == {SACRUM, LEFT_FEMUR}


@pytest.mark.usefixtures("a_second_network_with_a_bone_of_its_own")
def test_an_island_at_an_end_of_the_scan_does_not_keep_a_bone_that_nothing_named():
    assert set(_found(speck=True)) == {SACRUM}


@pytest.mark.usefixtures("networks_that_take_what_is_bright_above_for_a_femur")
def test_an_island_below_the_sacrum_does_not_keep_a_femur_above_it():
    assert set(_found(speck=True)) == {SACRUM}


def test_a_model_of_one_network_names_nothing_first():
    model = load_model(None)
    assert names_first(model, "full")
    assert not names_first(load_model(model.stages["3d_lowres"].folder), "full")
