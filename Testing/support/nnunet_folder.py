"""Small nnU-Net v2 model folders, trained in seconds on the phantom and written as nnU-Net writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BoneSegLib.models.network import build_network, parameter_names
from BoneSegLib.models.plans import parse_plans
from Testing.support.phantoms import two_blocks

SPACING = (2.0, 1.5, 1.5)
PATCH = (32, 32, 32)


def plans_json(*, spacing: tuple[float, float, float] = SPACING, patch: tuple[int, int, int] = PATCH) -> dict[str, Any]:
    """plans.json as nnU-Net v2.5 and later write it, for a small 3D network."""
    return {
        "dataset_name": "Dataset001_Phantom",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": list(spacing),
        "original_median_shape_after_transp": [60, 80, 80],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {"3d_fullres": configuration(spacing=spacing, patch=patch)},
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {
            "0": {
                "max": 1500.0,
                "mean": 500.0,
                "median": 480.0,
                "min": -200.0,
                "percentile_00_5": -200.0,
                "percentile_99_5": 1200.0,
                "std": 250.0,
            }
        },
    }


def configuration(*, spacing: tuple[float, float, float], patch: tuple[int, int, int]) -> dict[str, Any]:
    return {
        "data_identifier": "nnUNetPlans_3d_fullres",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": list(patch),
        "median_image_size_in_voxels": [60.0, 80.0, 80.0],
        "spacing": list(spacing),
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
                "n_stages": 3,
                "features_per_stage": [8, 16, 32],
                "conv_op": "torch.nn.modules.conv.Conv3d",
                "kernel_sizes": [[3, 3, 3]] * 3,
                "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
                "n_conv_per_stage": [2, 2, 2],
                "n_conv_per_stage_decoder": [2, 2],
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
        "batch_dice": False,
    }


DATASET_JSON: dict[str, Any] = {
    "channel_names": {"0": "CT"},
    "labels": {"background": 0, "ball": 1, "box": 2},
    "numTraining": 1,
    "file_ending": ".nii.gz",
}


def write_trained_folder(folder: Path, *, seed: int = 0, steps: int = 80) -> Path:
    """Trains a small network on the phantom and writes it as nnU-Net would. Returns the trained-model folder."""
    plans = plans_json()
    weights = train_small_network(plans, seed=seed, steps=steps)
    return write_folder(folder, plans, DATASET_JSON, {"0": weights})


def write_quick_folder(folder: Path) -> Path:
    """A folder with an untrained network, written without nnU-Net: for whatever does not depend on what is found."""
    plans = plans_json()
    torch.manual_seed(0)
    architecture = parse_plans(plans).configuration("3d_fullres").architecture
    own = dict(build_network(architecture, in_channels=1, heads=3).named_parameters())
    weights = {theirs: own[ours].detach() for ours, theirs in parameter_names(architecture).items()}
    return write_folder(folder, plans, DATASET_JSON, {"0": weights})


def train_small_network(plans: dict[str, Any], *, seed: int, steps: int) -> dict[str, torch.Tensor]:
    """PlainConvUNet weights that find the phantom's two bodies, roughly: enough to have labels to compare."""
    torch.manual_seed(seed)
    parsed = parse_plans(plans).configuration("3d_fullres")
    network = build_network(parsed.architecture, in_channels=1, heads=3)
    volume, labels = two_blocks((48, 64, 64), parsed.spacing[::-1], seed=seed)
    image = torch.from_numpy((np.clip(volume.array, -200, 1200) - 500.0) / 250.0).float()
    target = torch.from_numpy(labels).long()
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        corner = [int(rng.integers(0, n - p + 1)) for n, p in zip(image.shape, parsed.patch, strict=True)]
        window = tuple(slice(c, c + p) for c, p in zip(corner, parsed.patch, strict=True))
        loss = torch.nn.functional.cross_entropy(network(image[window][None, None]), target[window][None])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return to_plain_conv_unet(network, parsed.architecture, plans["configurations"]["3d_fullres"])


def to_plain_conv_unet(
    network: Any, architecture: Any, configuration: dict[str, Any], *, in_channels: int = 1
) -> dict[str, torch.Tensor]:
    """DynUNet's weights in a PlainConvUNet, made by nnU-Net's own code, with biases that must not matter."""
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    described = configuration["architecture"]
    plain = get_network_from_plans(
        described["network_class_name"], described["arch_kwargs"], described["_kw_requires_import"], in_channels, 3
    )
    own = dict(network.named_parameters())
    state = plain.state_dict()
    for ours, theirs in parameter_names(architecture).items():
        state[theirs].copy_(own[ours].detach())
    for name, value in state.items():
        if name.endswith("conv.bias"):
            value.uniform_(-1.0, 1.0)
    return state


def write_folder(
    folder: Path,
    plans: dict[str, Any],
    dataset: dict[str, Any],
    weights: dict[str, dict[str, torch.Tensor]],
    *,
    name: str | None = None,
) -> Path:
    """A trained-model folder: plans.json, dataset.json and one checkpoint per fold of configuration ``name`` (``None``:
    the only one)."""
    name = name or next(iter(plans["configurations"]))
    trained = folder / "Dataset001_Phantom" / f"nnUNetTrainer__nnUNetPlans__{name}"
    for fold, state in weights.items():
        (trained / f"fold_{fold}").mkdir(parents=True)
        checkpoint = {
            "network_weights": state,
            "optimizer_state": None,
            "grad_scaler_state": None,
            "logging": {"mean_fg_dice": [np.float64(0.5)], "epoch_end_timestamps": [1.0]},
            "_best_ema": np.float64(0.5),
            "current_epoch": 1,
            "init_args": {"plans": plans, "configuration": name, "fold": 0, "dataset_json": dataset},
            "trainer_name": "nnUNetTrainer",
            "inference_allowed_mirroring_axes": (0, 1, 2),
        }
        torch.save(checkpoint, trained / f"fold_{fold}" / "checkpoint_final.pth")
    (trained / "plans.json").write_text(json.dumps(plans))
    (trained / "dataset.json").write_text(json.dumps(dataset))
    return trained
