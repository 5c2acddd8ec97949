"""plans.json and dataset.json as nnU-Net v2 writes them, so that nnunetv2 runs the model as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.training.stage import StagePlan
from BoneSegLib.training.synthesis.tissue import OTHER_BONE


def dataset_json(*, name: str, cases: int) -> dict[str, Any]:
    """Ten bones and the bones that are not asked for."""
    labels = {"background": 0, **{structure.id: structure.label for structure in STRUCTURES}, "other_bone": OTHER_BONE}
    return {
        "channel_names": {"0": "CT"},
        "labels": labels,
        "numTraining": cases,
        "file_ending": ".nii.gz",
        "name": name,
    }


def plans_json(
    stages: Sequence[StagePlan], *, name: str, median_shape_mm: tuple[float, float, float]
) -> dict[str, Any]:
    """The plans of a cascade. ``median_shape_mm`` (kji): field of view of the median training case."""
    intensity = stages[0].intensity
    finest = min(stage.spacing for stage in stages)
    return {
        "dataset_name": name,
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [finest] * 3,
        "original_median_shape_after_transp": [round(size / finest) for size in median_shape_mm],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {stage.name: _configuration(stage, median_shape_mm, name) for stage in stages},
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


def _configuration(stage: StagePlan, median_shape_mm: tuple[float, float, float], name: str) -> dict[str, Any]:
    levels = len(stage.features)
    shape = [float(np.round(size / stage.spacing)) for size in median_shape_mm]
    configuration: dict[str, Any] = {
        "data_identifier": f"nnUNetPlans_{stage.name}",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 1,
        "patch_size": list(stage.patch),
        "median_image_size_in_voxels": shape,
        "spacing": [stage.spacing] * 3,
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
        "resampling_fn_seg_kwargs": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None},
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": {
                "n_stages": levels,
                "features_per_stage": list(stage.features),
                "conv_op": "torch.nn.modules.conv.Conv3d",
                "kernel_sizes": [[3, 3, 3]] * levels,
                "strides": [[1, 1, 1]] + [[2, 2, 2]] * (levels - 1),
                "n_conv_per_stage": [2] * levels,
                "n_conv_per_stage_decoder": [2] * (levels - 1),
                "conv_bias": True,
                "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                "norm_op_kwargs": {"eps": 1e-05, "affine": True},
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
