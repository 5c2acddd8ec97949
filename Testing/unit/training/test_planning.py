"""Plans follow nnU-Net's rules: spacing, pooling, window and batch within a budget, one stage or two."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.errors import InputError
from BoneSegLib.models.architecture import Architecture
from BoneSegLib.models.plans import parse_plans
from BoneSegLib.training.planning.budget import elements_within, feature_elements
from BoneSegLib.training.planning.fingerprint import Fingerprint, foreground_intensity, median_shape
from BoneSegLib.training.planning.planner import PlannerOptions, make_plans
from BoneSegLib.training.planning.spacing import full_resolution
from BoneSegLib.training.planning.topology import topology_for
from BoneSegLib.training.plans import plans_json


def _like(shape, spacing, values=(100.0, 300.0)):
    return Fingerprint(shape, spacing, np.array(values, np.float32), (1000, 50))


def test_the_spacing_is_the_median_along_each_axis():
    cases = [_like((100, 100, 100), (s, 1.0, 0.5 * s)) for s in (1.0, 2.0, 2.5)]
    assert full_resolution(cases) == (2.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((20, 400, 400), 3.4),  # thick slices, few of them: the tenth percentile of 3, 5, 5
        ((200, 400, 400), 5.0),  # as many as the rule lets pass
    ],
)
def test_thick_slices_take_the_finer_cases_along(shape, expected):
    cases = [_like(shape, (step, 0.8, 0.8)) for step in (3.0, 5.0, 5.0)]
    assert full_resolution(cases)[0] == pytest.approx(expected)


PATCHES = [
    ((128, 128, 128), (1.0, 1.0, 1.0)),
    ((64, 192, 160), (2.0, 0.8, 0.8)),
    ((20, 320, 256), (5.0, 0.6, 0.6)),
    ((14, 256, 256), (3.0, 0.4, 0.4)),
    ((40, 48, 200), (1.0, 1.0, 4.0)),
    ((33, 57, 91), (1.5, 1.2, 1.0)),
    ((16, 16, 16), (2.0, 2.0, 2.0)),
]


@pytest.mark.parametrize(("patch", "spacing"), PATCHES)
def test_pooling_and_kernels_are_those_of_nnunet(patch, spacing):
    oracle = pytest.importorskip("nnunetv2.experiment_planning.experiment_planners.network_topology")
    _, strides, kernels, padded, divisor = oracle.get_pool_and_conv_props(spacing, patch, 4, 999999)
    ours = topology_for(patch, spacing)
    assert ours.strides == tuple(tuple(int(n) for n in stride) for stride in strides)
    assert ours.kernels == kernels
    assert ours.patch == tuple(int(n) for n in padded)
    assert ours.divisor == tuple(int(n) for n in divisor)


@pytest.mark.parametrize(("patch", "spacing"), PATCHES[:4])
def test_the_estimate_of_memory_is_nnunets(patch, spacing):
    torch = pytest.importorskip("torch")
    unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")
    topology = topology_for(patch, spacing)
    features = tuple(min(32 * 2**n, 320) for n in range(len(topology.strides)))
    architecture = Architecture(features=features, kernels=topology.kernels, strides=topology.strides)
    levels = len(features)
    network = unet.PlainConvUNet(1, levels, features, torch.nn.Conv3d, topology.kernels, topology.strides,
                                 2, 3, 2, deep_supervision=True)  # fmt: skip
    expected = network.compute_conv_feature_map_size(topology.patch)
    assert feature_elements(architecture, topology.patch, labels=2) == pytest.approx(float(expected), rel=0.01)


def test_intensities_are_those_of_what_was_drawn():
    found = foreground_intensity([_like((9, 9, 9), (1, 1, 1), (0.0, 10.0)), _like((9, 9, 9), (1, 1, 1), (20.0, 30.0))])
    assert found.mean == pytest.approx(15)
    assert found.std == pytest.approx(np.std([0, 10, 20, 30]))
    assert (found.lower, found.upper) == (pytest.approx(0.15), pytest.approx(29.85))


def test_a_small_image_gets_one_network_whose_window_holds_it():
    (plan,) = make_plans([_like((60, 70, 80), (2.0, 2.0, 2.0))] * 8, is_ct=True, options=PlannerOptions(memory_gb=8))
    assert plan.name == "3d_fullres"
    assert plan.patch == (64, 80, 80)
    assert plan.normalization == "CTNormalization"


def test_another_modality_is_normalised_by_its_own_mean():
    (plan,) = make_plans([_like((60, 70, 80), (2.0, 2.0, 2.0))] * 8, is_ct=False)
    assert plan.normalization == "ZScoreNormalization"


@pytest.mark.parametrize("memory", [1.0, 4.0, 8.0])
def test_the_window_fits_the_memory(memory):
    cases = [_like((400, 512, 512), (1.0, 0.8, 0.8))] * 4
    plans = make_plans(cases, is_ct=True, options=PlannerOptions(memory_gb=memory))
    for plan in plans:
        assert feature_elements(plan.architecture, plan.patch, labels=1) <= elements_within(memory)
        assert plan.batch == 2
        assert all(size % step == 0 for size, step in zip(plan.patch, plan.architecture.divisor, strict=True))


def test_a_window_on_few_slices_fits_the_memory_too():
    """The slices are fewer than a window can lose; it grows narrower."""
    cases = [_like((7, 1024, 1024), (5.0, 0.35, 0.35))] * 4
    (plan,) = make_plans(cases, is_ct=True, options=PlannerOptions(memory_gb=4, stages=1))
    assert feature_elements(plan.architecture, plan.patch, labels=1) <= elements_within(4)
    assert plan.patch[0] >= 7


def test_a_large_image_gets_a_cascade_whose_first_window_shows_a_quarter_of_it():
    cases = [_like((600, 512, 512), (1.0, 0.8, 0.8))] * 4
    low, full = make_plans(cases, is_ct=True, options=PlannerOptions(memory_gb=4))
    assert (low.name, low.following, full.name, full.previous) == (
        "3d_lowres", "3d_cascade_fullres", "3d_cascade_fullres", "3d_lowres",
    )  # fmt: skip
    assert full.spacing == (1.0, 0.8, 0.8)
    assert np.prod(low.patch) / np.prod(median_shape(cases, low.spacing)) >= 0.25
    assert full.in_channels(3) == 4


def test_the_number_of_stages_can_be_asked_for():
    cases = [_like((600, 512, 512), (1.0, 0.8, 0.8))] * 4
    assert len(make_plans(cases, is_ct=True, options=PlannerOptions(memory_gb=4, stages=1))) == 1
    with pytest.raises(InputError, match="no sense"):
        make_plans([_like((60, 60, 60), (2, 2, 2))], is_ct=True, options=PlannerOptions(stages=2))


def test_the_batch_grows_with_the_room_but_sees_a_twentieth_of_the_set_at_most():
    few, many = ([_like((48, 48, 48), (2.0, 2.0, 2.0))] * count for count in (10, 1000))
    assert make_plans(few, is_ct=True)[0].batch == 2
    assert make_plans(many, is_ct=True)[0].batch > 10


def test_tiny_images_get_a_window_that_a_network_can_halve_twice():
    (plan,) = make_plans([_like((9, 9, 9), (1.0, 1.0, 1.0))], is_ct=True)
    assert plan.patch == (16, 16, 16)


def test_plans_come_back_from_their_file_as_they_were():
    cases = [_like((24, 320, 300), (4.0, 0.7, 0.7))] * 3
    (plan,) = make_plans(cases, is_ct=True, options=PlannerOptions(stages=1))
    again = parse_plans(plans_json([plan], name="x", median_size_mm=(96, 224, 210))).configuration(plan.name)
    assert (again.spacing, again.patch, again.architecture) == (plan.spacing, plan.patch, plan.architecture)
