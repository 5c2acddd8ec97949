"""Cross-validation splits, transfer of weights, and what the windows of a training show."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.errors import BoneSegError, ModelError
from BoneSegLib.models.architecture import Architecture
from BoneSegLib.models.network import build_network
from BoneSegLib.models.plans import Intensity
from BoneSegLib.sides import mirroring_of
from BoneSegLib.training.curves import append_row, draw_curves, read_rows
from BoneSegLib.training.data.harmonise import StraightCase
from BoneSegLib.training.folds import split_of
from BoneSegLib.training.planning.network_plan import NetworkPlan
from BoneSegLib.training.prepared import open_prepared, prepare, prepared_path
from BoneSegLib.training.transfer import transfer
from BoneSegLib.training.window_sampler import PreparedWindows, WindowOptions

CASES = [f"case{number}" for number in range(12)]


def test_every_case_is_kept_in_exactly_one_fold():
    kept = [name for fold in range(5) for name in split_of(CASES, str(fold)).validation]
    assert sorted(kept) == sorted(CASES)


def test_a_fold_trains_on_all_the_others_whatever_the_order_of_the_names():
    split = split_of(CASES[::-1], "2")
    assert set(split.training) | set(split.validation) == set(CASES)
    assert not set(split.training) & set(split.validation)
    assert split == split_of(CASES, "2")


def test_fold_all_keeps_none():
    assert split_of(CASES, "all").validation == ()


@pytest.mark.parametrize(("count", "fold"), [(12, "5"), (3, "3"), (1, "0"), (12, "-1")])
def test_folds_that_do_not_exist_are_refused(count, fold):
    with pytest.raises(BoneSegError):
        split_of(CASES[:count], fold)


NETWORK = Architecture(features=(4, 8, 8), kernels=((3, 3, 3),) * 3, strides=((1, 1, 1), (2, 2, 2), (2, 2, 2)))


def _network(labels: int, channels: int = 1, features=(4, 8, 8)):
    architecture = Architecture(features=features, kernels=NETWORK.kernels, strides=NETWORK.strides)
    return build_network(architecture, in_channels=channels, heads=labels + 1)


def test_everything_is_taken_over_where_the_labels_are_the_same():
    old, new = _network(2), _network(2)
    moved = transfer(new, old.state_dict(), labels=["a", "b"], labels_before=["a", "b"])
    assert moved.copied == moved.total
    for name, value in old.state_dict().items():
        assert torch.equal(new.state_dict()[name], value)


def test_the_head_keeps_labels_by_their_names_and_new_ones_start_below_the_background():
    old, new = _network(2), _network(3)
    moved = transfer(new, old.state_dict(), labels=["new", "b", "other"], labels_before=["a", "b"])
    head, old_head = (net.state_dict()["output_block.conv.conv.weight"] for net in (new, old))
    assert moved.labels == ("b",)
    assert torch.equal(head[0], old_head[0])
    assert torch.equal(head[2], old_head[2])
    assert torch.equal(head[1], old_head[0])
    bias, old_bias = (net.state_dict()["output_block.conv.conv.bias"] for net in (new, old))
    assert bias[1] < old_bias[0]


def test_the_inputs_of_a_cascade_follow_the_labels():
    old, new = _network(2, channels=3), _network(1, channels=2)
    transfer(new, old.state_dict(), labels=["b"], labels_before=["a", "b"])
    name = "input_block.conv1.conv.weight"
    assert torch.equal(new.state_dict()[name], old.state_dict()[name][:, [0, 2]])


def test_another_network_is_refused():
    with pytest.raises(ModelError, match="another network"):
        transfer(_network(1, features=(6, 12, 24)), _network(1).state_dict(), labels=["a"], labels_before=["a"])


PLAN = NetworkPlan(
    name="3d_fullres",
    spacing=(2.0, 1.0, 1.0),
    patch=(8, 8, 8),
    architecture=NETWORK,
    normalization="CTNormalization",
    intensity=Intensity(mean=0.0, std=100.0, lower=-1000.0, upper=1000.0),
)


@pytest.fixture
def a_case(tmp_path):
    """Left half 100 HU and label 1, right half 300 HU and label 2 (i runs to the left)."""
    image = np.full((10, 12, 16), 300, np.int16)
    image[..., 8:] = 100
    labels = np.where(image == 100, 1, 2).astype(np.uint8)
    labels[:, :3] = 0
    prepare(StraightCase("a", image, labels, (2.0, 1.0, 1.0)), PLAN, tmp_path, labels=2)
    return prepared_path(tmp_path, "a"), image, labels


def test_a_prepared_case_is_normalised_and_keeps_its_labels(a_case):
    path, image, labels = a_case
    found, drawn = open_prepared(path)
    np.testing.assert_allclose(found, image / 100.0, atol=1e-6)
    np.testing.assert_array_equal(drawn, labels)


def test_resampled_labels_follow_the_halves(tmp_path):
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[..., 4:] = 2
    image = np.zeros((8, 8, 8), np.int16)
    prepare(StraightCase("a", image, labels, (1.0, 0.5, 0.5)), PLAN, tmp_path, labels=2)
    _, drawn = open_prepared(prepared_path(tmp_path, "a"))
    assert drawn.shape == (4, 4, 4)
    assert (drawn[..., :2] == 0).all()
    assert (drawn[..., 2:] == 2).all()


def test_windows_without_augmentation_are_cut_out_of_the_case(a_case):
    path, _, _ = a_case
    windows = PreparedWindows(PLAN, labels=2, mirroring=mirroring_of(["a", "b"]), options=WindowOptions(augment=False))
    inputs, labels = windows([path] * 6, np.random.default_rng(0))
    assert inputs.shape == (6, 1, 8, 8, 8)
    expected = torch.where(labels == 1, 1.0, 3.0)[:, None]
    assert (inputs[labels[:, None] > 0] - expected[labels[:, None] > 0]).abs().max() < 1e-4


def test_mirrored_windows_swap_the_names_of_sides(a_case):
    path, _, _ = a_case
    windows = PreparedWindows(PLAN, labels=2, mirroring=mirroring_of(["hip_left", "hip_right"]))
    inputs, labels = windows([path] * 40, np.random.default_rng(0))
    order, brightness = [], []
    for window, drawn in zip(inputs[:, 0], labels, strict=True):
        if (drawn == 1).any() and (drawn == 2).any():
            places = [torch.nonzero(drawn == label)[:, 2].float().mean() for label in (1, 2)]
            order.append(bool(places[0] > places[1]))
            brightness.append(bool(window[drawn == 1].mean() < window[drawn == 2].mean()))
    assert all(order), "the left one lies to the left, mirrored or not"
    assert len(set(brightness)) == 2, "both sorts were drawn"


def test_a_killed_training_repeats_steps_and_the_later_row_counts(tmp_path):
    for step, loss in ((1, 0.9), (2, 0.8), (1, 0.7), (3, 0.5)):
        append_row(tmp_path / "curve.csv", {"step": step, "dice_loss": loss, "cross_entropy": 1.0})
    with (tmp_path / "curve.csv").open("a") as file:
        file.write("4,0.")  # a kill in the middle of a line
    append_row(tmp_path / "curve.csv", {"step": 5, "dice_loss": 0.4, "cross_entropy": 1.0})
    assert [(row["step"], row["dice_loss"]) for row in read_rows(tmp_path / "curve.csv")] == [
        (1, 0.7), (2, 0.8), (3, 0.5), (5, 0.4),
    ]  # fmt: skip
    picture = draw_curves(tmp_path, title="t")
    assert picture is not None
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("bad", ["4,0.4,0.5,0.9,1.0", "4,0.4", "4,0.45,0.9.1", "nonsense", "4,,1.0"])
def test_a_row_that_is_none_is_skipped(tmp_path, bad):
    (tmp_path / "curve.csv").write_text(f"step,dice_loss,cross_entropy\n3,0.5,1.0\n{bad}\n5,0.4,1.0\n")
    assert [row["step"] for row in read_rows(tmp_path / "curve.csv")] == [3, 5]


def test_half_a_header_is_written_again(tmp_path):
    (tmp_path / "curve.csv").write_text("step,dice_l")
    append_row(tmp_path / "curve.csv", {"step": 1, "dice_loss": 0.5})
    assert read_rows(tmp_path / "curve.csv") == [{"step": 1, "dice_loss": 0.5}]
