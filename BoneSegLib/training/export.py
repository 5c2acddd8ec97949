"""Trained weights out: a model folder that `boneseg segment` and nnunetv2 both run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.errors import InputError
from BoneSegLib.models.network import parameter_names
from BoneSegLib.training.card import BONES, ModelCard
from BoneSegLib.training.plans import dataset_json, plans_json
from BoneSegLib.training.stage import STAGES, StagePlan


def export_run(run: Path, folder: Path, *, cases: int, card: ModelCard = BONES) -> None:
    """The averaged weights of all stages trained in ``run`` (one folder each) as a model folder."""
    weights: dict[str, tuple[StagePlan, Mapping[str, torch.Tensor]]] = {}
    training: dict[str, Any] = {"cases": cases, "data": "synthetic CT (BoneSegLib/training/synthesis)"}
    for name, plan in STAGES.items():
        checkpoint = run / name / "checkpoint.pt"
        if not checkpoint.exists():
            continue
        state = torch.load(checkpoint, weights_only=True)
        weights[name] = (plan, state["averaged"])
        progress = state["progress"]
        training[name] = {"steps": progress["step"], "minutes": round(progress["seconds"] / 60)}
    if not weights or next(iter(weights.values()))[0].previous:
        raise InputError(
            f"'{run.name}' has no trained first stage.", remedy="Train it: boneseg train --stage 3d_lowres"
        )
    export_model(folder, weights, replace(card, training={**training, **card.training}), cases=cases)


def export_model(
    folder: Path,
    weights: Mapping[str, tuple[StagePlan, Mapping[str, torch.Tensor]]],
    card: ModelCard,
    *,
    cases: int,
    median_shape_mm: tuple[float, float, float] = (300.0, 300.0, 380.0),
    half: bool = True,
) -> None:
    """Writes the model folder. ``weights``: stage name -> (plan, DynUNet's state), coarsest stage first."""
    plans = [plan for plan, _ in weights.values()]
    files: dict[str, str] = {}
    for name, (plan, state) in weights.items():
        stage_folder = folder / f"nnUNetTrainer__nnUNetPlans__{name}"
        (stage_folder / "fold_0").mkdir(parents=True, exist_ok=True)
        _write_json(stage_folder / "plans.json", plans_json(plans, name=card.name, median_shape_mm=median_shape_mm))
        _write_json(stage_folder / "dataset.json", dataset_json(name=card.name, cases=cases))
        checkpoint = {
            "network_weights": plain_conv_unet_weights(plan, state, half=half),
            "init_args": {"configuration": name, "fold": 0},
            "trainer_name": "nnUNetTrainer",
            "inference_allowed_mirroring_axes": None,
        }
        torch.save(checkpoint, stage_folder / "fold_0" / "checkpoint_final.pth")
        for path in sorted(stage_folder.rglob("*.*")):
            files[path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    names = list(weights)
    manifest = {
        "name": card.name,
        "version": card.version,
        "title": card.title,
        "license": card.license,
        "attribution": list(card.attribution),
        "not_for_clinical_use": True,
        "orientation": "LPS",
        "padding": "air",
        "structures": {structure.id: structure.label for structure in STRUCTURES},
        "stages": {"fast": names[:1], "full": names},
        "training": card.training,
        "accuracy": card.accuracy,
        "files": files,
    }
    _write_json(folder / "boneseg.json", manifest)


def plain_conv_unet_weights(
    plan: StagePlan, state: Mapping[str, torch.Tensor], *, half: bool = True
) -> dict[str, torch.Tensor]:
    """DynUNet's weights under all names that PlainConvUNet gives them.

    PlainConvUNet registers every layer several times (in ``all_modules``, and the encoder again in the decoder); the
    names share one tensor, which the file holds once. Convolutions that DynUNet has without bias get zeros, which is
    the same function, since instance normalisation follows.
    """
    dtype = torch.float16 if half else torch.float32
    weights: dict[str, torch.Tensor] = {}

    def put(name: str, tensor: torch.Tensor) -> None:
        weights[name] = tensor
        for layer, position in (("conv", 0), ("norm", 1)):
            if f".{layer}." in name:
                stem, kind = name.rsplit(f".{layer}.", 1)
                weights[f"{stem}.all_modules.{position}.{kind}"] = tensor

    for ours, theirs in parameter_names(plan.architecture).items():
        tensor = state[ours].detach().to(dtype).contiguous().clone()
        put(theirs, tensor)
        if theirs.endswith(".conv.weight"):
            put(theirs.removesuffix("weight") + "bias", torch.zeros(tensor.shape[0], dtype=dtype))
    heads = weights[f"decoder.seg_layers.{len(plan.features) - 2}.bias"].shape[0]
    for level in range(len(plan.features) - 2):
        # Heads of deep supervision, which inference does not use; level 0 is the coarsest.
        channels = plan.features[-2 - level]
        weights[f"decoder.seg_layers.{level}.weight"] = torch.zeros((heads, channels, 1, 1, 1), dtype=dtype)
        weights[f"decoder.seg_layers.{level}.bias"] = torch.zeros(heads, dtype=dtype)
    for name in [name for name in weights if name.startswith("encoder.")]:
        weights[f"decoder.{name}"] = weights[name]
    return weights


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
