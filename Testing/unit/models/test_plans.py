"""plans.json and dataset.json: what is read, and what is refused with a reason."""

from __future__ import annotations

import copy

import pytest

from BoneSegLib.errors import ModelError
from BoneSegLib.models.dataset import parse_dataset
from BoneSegLib.models.plans import parse_plans
from Testing.support.nnunet_folder import DATASET_JSON, plans_json


def changed(path: str, value) -> dict:
    """The small network's plans with one field, told by its dotted path, set to another value."""
    plans = copy.deepcopy(plans_json())
    target = plans["configurations"]["3d_fullres"]
    *parents, last = path.split(".")
    for parent in parents:
        target = target[parent]
    target[last] = value
    return plans


def test_the_configuration_is_read_as_it_is_written():
    configuration = parse_plans(plans_json()).configuration("3d_fullres")
    assert configuration.spacing == (2.0, 1.5, 1.5)
    assert configuration.patch == (32, 32, 32)
    assert configuration.architecture.features == (8, 16, 32)
    assert configuration.architecture.divisor == (4, 4, 4)
    assert configuration.data_resampling.order == 3
    assert configuration.logits_resampling.order == 1


def test_a_configuration_inherits_what_it_does_not_say():
    plans = plans_json()
    plans["configurations"]["3d_lowres"] = {"inherits_from": "3d_fullres", "spacing": [6.0, 6.0, 6.0]}
    lowres = parse_plans(plans).configuration("3d_lowres")
    assert lowres.spacing == (6.0, 6.0, 6.0)
    assert lowres.patch == (32, 32, 32)


def test_configurations_that_inherit_in_a_circle_are_refused():
    plans = plans_json()
    plans["configurations"] = {"a": {"inherits_from": "b"}, "b": {"inherits_from": "a"}}
    with pytest.raises(ModelError):
        parse_plans(plans).configuration("a")


def test_plans_of_the_first_nnunet_v2_releases_are_read():
    plans = plans_json()
    configuration = plans["configurations"]["3d_fullres"]
    del configuration["architecture"]
    configuration |= {
        "UNet_class_name": "PlainConvUNet",
        "UNet_base_num_features": 8,
        "unet_max_num_features": 20,
        "n_conv_per_stage_encoder": [2, 2, 2],
        "n_conv_per_stage_decoder": [2, 2],
        "conv_kernel_sizes": [[3, 3, 3]] * 3,
        "pool_op_kernel_sizes": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
    }
    assert parse_plans(plans).configuration("3d_fullres").architecture.features == (8, 16, 20)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("patch_size", [64, 64], "2D"),
        ("patch_size", [30, 32, 32], "divide"),
        ("patch_size", [4096, 4096, 4096], "impossible"),
        ("spacing", [0.0, 1.0, 1.0], "impossible"),
        ("spacing", [1.0, float("nan"), 1.0], "finite"),
        ("normalization_schemes", ["SomethingNew"], "SomethingNew"),
        ("resampling_fn_data", "resample_torch", "resample_torch"),
        ("architecture.network_class_name", "x.unet.ResidualEncoderUNet", "ResidualEncoderUNet"),
        ("architecture.arch_kwargs.features_per_stage", [8, 16, 10**6], "impossible size"),
        ("architecture.arch_kwargs.features_per_stage", "many", "list"),
        ("architecture.arch_kwargs.n_conv_per_stage", [3, 3, 3], "two convolutions"),
        ("architecture.arch_kwargs.nonlin", "os.system", "os.system"),
        ("architecture.arch_kwargs.kernel_sizes", [[2, 2, 2]] * 3, "even"),
        ("architecture.arch_kwargs.dropout_op", "torch.nn.Dropout3d", "dropout_op"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(path, value, said):
    with pytest.raises(ModelError, match=said):
        parse_plans(changed(path, value)).configuration("3d_fullres")


@pytest.mark.parametrize("missing", ["patch_size", "spacing", "normalization_schemes"])
def test_a_missing_field_is_named(missing):
    plans = plans_json()
    del plans["configurations"]["3d_fullres"][missing]
    with pytest.raises(ModelError, match=missing):
        parse_plans(plans).configuration("3d_fullres")


def test_the_labels_are_read_without_the_background():
    dataset = parse_dataset(DATASET_JSON)
    assert dataset.labels == {"ball": 1, "box": 2}
    assert dataset.heads == 3
    assert dataset.is_ct


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"background": 0, "whole": [1, 2]}, "region"),
        ({"background": 0, "a": 1, "b": 3}, "without gaps"),
        ({"background": 0}, "numbered"),
        ({"background": 0, "a": "one"}, "whole number"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, said):
    with pytest.raises(ModelError, match=said):
        parse_dataset({**DATASET_JSON, "labels": labels})


def test_a_model_of_several_images_is_refused():
    with pytest.raises(ModelError, match="several images"):
        parse_dataset({**DATASET_JSON, "channel_names": {"0": "CT", "1": "PET"}})
