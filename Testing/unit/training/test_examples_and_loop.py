"""From cases on disk to training steps: shapes, the cascade's input, the loss, and a resumed training."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch

from BoneSegLib.errors import InputError
from BoneSegLib.models.network import build_network
from BoneSegLib.training import loop
from BoneSegLib.training.augmentation import AIR_HU, read_box, window_points
from BoneSegLib.training.cases import list_cases, open_case
from BoneSegLib.training.coarse_names import CoarseErrors, coarse_names, one_hot_names
from BoneSegLib.training.loop import LoopOptions, Trainer, _with_draft
from BoneSegLib.training.loss import dice_and_cross_entropy
from BoneSegLib.training.predicted_names import predict_names, read_names, votes_path
from BoneSegLib.training.sampling import WholeFieldSampler, WindowSampler, _end_within_bone
from BoneSegLib.training.stage import CASCADE, LOWRES
from BoneSegLib.training.synthesis.tissue import OTHER_BONE

CLASSES = 12
SMALL = replace(CASCADE, patch=(16, 16, 16), features=(4, 8, 8))
FLAWLESS = CoarseErrors(
    displacement_mm=0,
    slip_mm=(0, 0, 0),
    tilt=(0, 0),
    bias=0,
    roughness=0,
    thin_lost=0,
    missing_blobs=0,
    false_blobs=0,
    missing_class=0,
    lost_at_side=0,
    swallowed=0,
)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    rng = np.random.default_rng(0)
    for number in range(2):
        labels = np.zeros((40, 36, 44), np.uint8)
        labels[10:30, 8:24, 6:20], labels[10:30, 8:24, 26:40] = 2, 1
        ct = np.where(labels > 0, 400, 40) + rng.normal(0, 10, labels.shape)
        np.save(folder / f"synth_{number}_ct.npy", ct.astype(np.int16))
        np.save(folder / f"synth_{number}_labels.npy", labels)
    return list_cases(folder)


def test_a_window_is_read_where_it_lies_and_is_air_outside(cases):
    opened = open_case(cases[0])
    center = np.array([39.5, 17.5, 21.5])
    points = window_points((8, 8, 8), np.eye(3), center)
    read = read_box(opened.ct, points, outside=-1024.0)
    np.testing.assert_allclose(read[:4], opened.ct[36:40, 14:22, 18:26].astype(np.float32), atol=1e-2)
    assert (read[4:] == -1024).all()


def test_an_image_of_one_slice_is_read_where_it_lies():
    image = np.full((1, 20, 20), 300, np.int16)
    points = window_points((3, 4, 4), np.eye(3), np.array([0.0, 10.0, 10.0]))
    read = read_box(image, points, outside=-1024.0)
    assert (read[1] == 300).all()
    assert (read[[0, 2]] == -1024).all()


def test_a_checkpoint_of_another_network_is_told(cases, tmp_path):
    def trainer(features):
        plan = replace(SMALL, features=features)
        network = build_network(plan.architecture, in_channels=plan.in_channels(CLASSES), heads=CLASSES)
        return Trainer(network, WindowSampler(plan, case_spacing=1.5), features=features, classes=CLASSES,
                       cases=lambda: cases, folder=tmp_path, options=LoopOptions(steps=1))  # fmt: skip

    trainer((4, 8, 8)).run()
    with pytest.raises(InputError, match="another network"):
        trainer((8, 8, 8))


def test_examples_have_the_shapes_that_the_networks_take(cases):
    rng = np.random.default_rng(1)
    coarse = WholeFieldSampler(replace(LOWRES, patch=(16, 16, 16)), case_spacing=1.5)(cases, rng)
    fine = WindowSampler(SMALL, case_spacing=1.5)(cases, rng)
    assert coarse[0].shape == (2, 1, 16, 16, 16)
    assert fine[0].shape == (2, CLASSES, 16, 16, 16)
    assert fine[1].shape == (2, 16, 16, 16)


def test_a_narrow_field_of_view_shows_some_bone_in_the_middle_and_air_around(tmp_path):
    labels = np.full((150, 120, 150), 6, np.uint8)
    labels[:5], labels[:, :5] = 0, 0
    np.save(tmp_path / "synth_0_ct.npy", np.full(labels.shape, 300, np.int16))
    np.save(tmp_path / "synth_0_labels.npy", labels)
    plan = replace(LOWRES, patch=(80, 64, 80))
    sizes = {}
    for share in (0.0, 1.0):
        sampler = WholeFieldSampler(plan, case_spacing=3.0, narrow_share=share)
        drawn = [sampler(list_cases(tmp_path), np.random.default_rng(seed))[1][0] for seed in range(12)]
        sizes[share] = [
            [int((labels > 0).any(a).any(b).sum()) for a, b in ((1, 1), (0, 1), (0, 0))] for labels in drawn
        ]
        assert all((labels > 0).any() for labels in drawn)
    # 360, 220 and 260 mm at most in voxels of 6 mm, one cut at either end; the whole case is 450, 360 and 450 mm large.
    largest = np.array([60, 37, 44]) + 2
    assert (np.max(sizes[1.0], 0) <= largest).all()
    assert (np.median(sizes[0.0], 0) > largest).all()


def test_a_scan_may_end_within_any_bone_and_what_is_left_of_it_keeps_its_name():
    ended = {}
    for seed in range(60):
        labels = torch.zeros((30, 4, 4), dtype=torch.int64)
        labels[5:15, 1:3, 1:3], labels[15:25, 1:3, 1:3], labels[25:, 1:3, 1:3] = 7, 6, OTHER_BONE
        whole, ct = labels.clone(), torch.full(labels.shape, 300.0)
        _end_within_bone(ct, labels, np.random.default_rng(seed))
        kept = (ct > AIR_HU)[:, 0, 0]
        assert (ct.amin((1, 2)) == ct.amax((1, 2))).all()
        assert torch.equal(labels[kept], whole[kept])
        assert (labels[~kept] == 0).all()
        levels = kept.nonzero()[:, 0]
        side = "above" if levels[0] == 0 else "below"
        at = int(levels[-1] if side == "above" else levels[0])
        ended.setdefault((side, int(whole[at, 1, 1])), set()).add(at)
    assert set(ended) == {(side, label) for side in ("above", "below") for label in (6, 7)}
    assert all(len(levels) > 3 for levels in ended.values())


def test_a_window_without_any_of_the_ten_bones_is_not_ended():
    labels = torch.full((6, 4, 4), OTHER_BONE)
    ct = torch.full(labels.shape, 300.0)
    _end_within_bone(ct, labels, np.random.default_rng(1))
    assert (ct == 300).all()


def test_coarse_names_without_errors_agree_with_the_truth_but_for_the_outline(cases):
    labels = open_case(cases[0]).labels
    points = window_points((32, 32, 40), np.eye(3), (np.array(labels.shape) - 1) / 2)
    truth = read_box(labels, points, outside=0, nearest=True).long()
    names = coarse_names(labels, points, classes=CLASSES, spacing=1.5, errors=FLAWLESS, rng=np.random.default_rng(2))
    for label in (1, 2):
        overlap = 2 * ((names == label) & (truth == label)).sum() / ((names == label).sum() + (truth == label).sum())
        assert 0.8 < overlap < 1


def test_coarse_names_may_lose_what_is_thin_but_keep_what_is_thick():
    labels = np.zeros((48, 48, 48), np.uint8)
    labels[8:40, 6:26, 12:36] = 8  # a vertebral body
    labels[20:28, 26:46, 22:26] = 8  # and its spinous process
    points = window_points(labels.shape, np.eye(3), (np.array(labels.shape) - 1) / 2)
    errors = replace(FLAWLESS, thin_lost=1.0)
    drawn = [
        coarse_names(labels, points, classes=CLASSES, spacing=2.0, errors=errors, rng=np.random.default_rng(seed))
        for seed in range(20)
    ]
    body, process = (
        torch.stack([(names[part] == 8).float().mean() for names in drawn])
        for part in ((slice(16, 32), slice(12, 20), slice(18, 30)), (slice(20, 28), slice(36, 46), slice(22, 26)))
    )
    assert (body > 0.9).all()
    assert (process < 0.1).sum() >= 10


def test_a_bone_that_is_thin_everywhere_is_not_lost():
    labels = np.zeros((48, 48, 48), np.uint8)
    labels[4:44, 20:24, 4:44] = 1
    points = window_points(labels.shape, np.eye(3), (np.array(labels.shape) - 1) / 2)
    errors = replace(FLAWLESS, thin_lost=1.0)
    for seed in range(20):
        names = coarse_names(
            labels, points, classes=CLASSES, spacing=2.0, errors=errors, rng=np.random.default_rng(seed)
        )
        assert (names == 1).sum() > 0.08 * (labels == 1).sum()


def test_coarse_names_may_lie_too_high_at_the_back_and_too_low_in_front():
    labels = np.zeros((64, 48, 48), np.uint8)
    labels[26:38] = 8  # a slab across the window
    points = window_points(labels.shape, np.eye(3), (np.array(labels.shape) - 1) / 2)
    errors = replace(FLAWLESS, tilt=(0.3, 0.0))
    heights = torch.arange(64.0)[:, None, None]

    def height(names: torch.Tensor, at: int) -> float:
        plate = (names[:, at] == 8).float()[:, None]
        return float((plate * heights).sum() / plate.sum())

    drawn = [
        coarse_names(labels, points, classes=CLASSES, spacing=2.0, errors=errors, rng=np.random.default_rng(seed))
        for seed in range(30)
    ]
    rises = torch.tensor([(height(names, 40) - height(names, 8)) / 32 for names in drawn])
    assert float(rises.std()) == pytest.approx(0.3, rel=0.35)
    assert max(abs(height(names, 24) - 31.5) for names in drawn) < 2


def test_coarse_names_may_be_lost_at_one_side_of_the_window_and_stay_elsewhere():
    labels = np.full((64, 64, 64), 1, np.uint8)
    points = window_points((48, 48, 48), np.eye(3), (np.array(labels.shape) - 1) / 2)
    errors = replace(FLAWLESS, lost_at_side=1.0, side_mm=40.0)
    sides = set()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        lost = coarse_names(labels, points, classes=CLASSES, spacing=2.0, errors=errors, rng=rng) == 0
        assert not lost[20:28, 20:28, 20:28].any()  # 40 mm from every side
        shares = {(axis, end): float(lost.select(axis, end).float().mean()) for axis in range(3) for end in (0, 47)}
        side = max(shares, key=lambda side: shares[side])
        if shares[side] > 0.9:
            sides.add(side)
            assert shares[side[0], 47 - side[1]] == 0
    assert len(sides) == 6


def test_the_smallest_piece_may_bear_the_name_of_the_bone_that_it_touches():
    labels = np.zeros((64, 48, 48), np.uint8)
    labels[8:28, 12:36, 12:36] = 8
    labels[28:36, 12:24, 12:36] = 7  # touches the one below
    labels[48:, 12:36, 12:36] = 6  # touches nothing, and is larger
    points = window_points(labels.shape, np.eye(3), (np.array(labels.shape) - 1) / 2)
    errors = replace(FLAWLESS, swallowed=1.0)
    names = coarse_names(labels, points, classes=CLASSES, spacing=2.0, errors=errors, rng=np.random.default_rng(3))
    assert set(names.unique().tolist()) == {0, 6, 8}
    assert (names[29:33, 14:22, 14:34] == 8).all()


class _NamesBySide(torch.nn.Module):
    """Says label 1 left of the middle of its window, label 2 right of it, at every voxel."""

    def forward(self, ct):
        logits = torch.zeros(1, CLASSES, *ct.shape[2:])
        middle = ct.shape[-1] // 2
        logits[:, 2, ..., :middle] = logits[:, 1, ..., middle:] = 9.0
        return logits


def test_names_of_a_trained_network_are_read_where_it_saw_them(cases, tmp_path):
    for file in cases[0].parent.glob("synth_0_*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (case,) = list_cases(tmp_path)
    plan = replace(LOWRES, spacing=3.0)
    predict_names(_NamesBySide(), [case], plan=plan)
    votes = np.load(votes_path(case))
    points = window_points((6, 6, 44), np.eye(3), (np.array((40, 36, 44)) - 1) / 2)
    names = read_names(votes, points, step=2.0)
    middle = votes.shape[-1] // 2 * 2  # case voxels from the left edge of the coarse grid
    assert (names[..., :middle] == 2).all()
    assert (names[..., middle:] == 1).all()
    assert (read_names(votes, points - 50, step=2.0) == 0).all()


def test_names_enter_one_channel_per_foreground_label():
    names = torch.tensor([0, 1, 11]).reshape(3, 1, 1)
    channels = one_hot_names(names, CLASSES)
    assert channels.shape == (11, 3, 1, 1)
    assert channels[:, 0].sum() == 0
    assert channels[0, 1] == 1
    assert channels[10, 2] == 1


def test_the_loss_of_a_certain_and_right_answer_is_nothing():
    labels = torch.randint(0, 3, (1, 6, 6, 6))
    logits = 50.0 * torch.nn.functional.one_hot(labels, 3).permute(0, 4, 1, 2, 3).float()
    dice, cross_entropy = dice_and_cross_entropy(logits, labels)
    assert float(dice) == pytest.approx(0, abs=1e-5)
    assert float(cross_entropy) == pytest.approx(0, abs=1e-5)


def test_a_draft_takes_the_place_of_the_names_and_leaves_the_image_alone():
    inputs = torch.randn(1, CLASSES, 4, 4, 6)
    drafted = _with_draft(_NamesBySide(), inputs)
    assert torch.equal(drafted[:, 0], inputs[:, 0])
    assert torch.equal(drafted[0, 1:], one_hot_names(_NamesBySide()(inputs).argmax(1)[0], CLASSES))


@pytest.mark.parametrize("drafted", [0.0, 1.0])
def test_as_many_steps_as_asked_for_start_from_a_draft(cases, tmp_path, drafted, monkeypatch):
    asked = []
    monkeypatch.setattr(loop, "_with_draft", lambda network, inputs: asked.append(1) or inputs)
    _trainer(cases, tmp_path, steps=3, drafted=drafted).run()
    assert len(asked) == 3 * drafted


def _trainer(cases, folder, **options):
    torch.manual_seed(0)
    network = build_network(SMALL.architecture, in_channels=CLASSES, heads=CLASSES)
    ticks = count()
    return Trainer(network, WindowSampler(SMALL, case_spacing=1.5), features=SMALL.features, classes=CLASSES,
                   cases=lambda: cases, folder=folder,
                   options=LoopOptions(minutes=1e9, **options), clock=lambda: float(next(ticks)))  # fmt: skip


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(cases, tmp_path):
    whole = _trainer(cases, tmp_path / "whole", steps=4)
    whole.run()
    stopped = _trainer(cases, tmp_path / "parts", steps=4)
    for _ in range(2):
        stopped._set_learning_rate()
        stopped._step()
    stopped.save()
    resumed = _trainer(cases, tmp_path / "parts", steps=4)
    assert resumed.progress.step == 2
    resumed.run()
    for name, value in whole.network.state_dict().items():
        torch.testing.assert_close(resumed.network.state_dict()[name], value)
        torch.testing.assert_close(resumed.averaged[name], whole.averaged[name])
