"""plans.json and dataset.json as nnU-Net v2 writes them, so that nnunetv2 runs the model as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from BoneSegLib.inference.resample import Spacing
from BoneSegLib.training.planning.network_plan import NetworkPlan


def dataset_json(*, name: str, channel: str, labels: Mapping[str, int], cases: int) -> dict[str, Any]:
    """``labels``: foreground name -> value (1, 2, 3, ...)."""
    return {
        "channel_names": {"0": channel},
        "labels": {"background": 0, **labels},
        "numTraining": cases,
        "file_ending": ".nii.gz",
        "name": name,
    }


def plans_json(stages: Sequence[NetworkPlan], *, name: str, median_size_mm: Spacing) -> dict[str, Any]:
    """The plans of one network or of a cascade. ``median_size_mm`` (kji): field of view of the median training case."""
    intensity = stages[0].intensity
    finest = stages[-1].spacing
    return {
        "dataset_name": name,
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": list(finest),
        "original_median_shape_after_transp": [
            round(size / step) for size, step in zip(median_size_mm, finest, strict=True)
        ],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {stage.name: _configuration(stage, median_size_mm) for stage in stages},
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {
            "0": {
                "max": intensity.upper,
                "mean": intensity.mean,
                "median": intensity.mean,
                "min": intensity.lower,
                "percentile_00_5": intensity.lower,
                "percentile_99_5": intensity.upper,
                "std": intensity.std,
            }
        },
    }


def _configuration(stage: NetworkPlan, median_size_mm: Spacing) -> dict[str, Any]:
    network = stage.architecture
    levels = len(network.features)
    shape = [float(np.round(size / step)) for size, step in zip(median_size_mm, stage.spacing, strict=True)]
    configuration: dict[str, Any] = {
        "data_identifier": f"nnUNetPlans_{stage.name}",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": stage.batch,
        "patch_size": list(stage.patch),
        "median_image_size_in_voxels": shape,
        "spacing": list(stage.spacing),
        "normalization_schemes": [stage.normalization],
        "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": {
            "is_seg": False,
            "order": stage.image_order,
            "order_z": 0,
            "force_separate_z": None,
        },
        "resampling_fn_seg_kwargs": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None},
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": {
                "n_stages": levels,
                "features_per_stage": list(network.features),
                "conv_op": "torch.nn.modules.conv.Conv3d",
                "kernel_sizes": [list(kernel) for kernel in network.kernels],
                "strides": [list(stride) for stride in network.strides],
                "n_conv_per_stage": [2] * levels,
                "n_conv_per_stage_decoder": [2] * (levels - 1),
                "conv_bias": True,
                "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                "norm_op_kwargs": {"eps": network.norm_eps, "affine": True},
                "dropout_op": None,
                "dropout_op_kwargs": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
        "batch_dice": stage.previous is not None,
    }
    if stage.previous:
        configuration["previous_stage"] = stage.previous
    if stage.following:
        configuration["next_stage"] = stage.following
    return configuration
