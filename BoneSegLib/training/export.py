"""Trained weights out: a model folder that `boneseg segment` and nnunetv2 both run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.errors import InputError
from BoneSegLib.inference.network import PlainConvUNet
from BoneSegLib.inference.resample import Spacing
from BoneSegLib.models.architecture import Architecture
from BoneSegLib.models.model import SIDE_BY_SIDE
from BoneSegLib.models.network import parameter_names
from BoneSegLib.training.card import BONES, ModelCard
from BoneSegLib.training.checkpoint import read_checkpoint
from BoneSegLib.training.planning.network_plan import NetworkPlan, plan_of_stage
from BoneSegLib.training.plans import dataset_json, plans_json
from BoneSegLib.training.stage import STAGES, StagePlan
from BoneSegLib.training.synthesis.tissue import CLASS_COUNT, OTHER_BONE


@dataclass(frozen=True, eq=False)
class TrainedStage:
    """A network and its weights (DynUNet's state) by fold: ``"0"``, ``"1"``, ... or ``"all"``."""

    plan: NetworkPlan
    folds: Mapping[str, Mapping[str, torch.Tensor]]


@dataclass(frozen=True, kw_only=True)
class ModelContent:
    """What a model was trained on.

    ``labels``: foreground name -> value; ``hidden``: those that no result shows. ``channel``: CT, MR, ...
    ``median_size_mm`` (kji): of the training cases.
    """

    labels: Mapping[str, int]
    channel: str
    cases: int
    median_size_mm: Spacing
    hidden: tuple[str, ...] = ()
    mirror_axes: tuple[int, ...] = ()


def bone_content(cases: int) -> ModelContent:
    """The ten bones, and the bones that are not asked for."""
    return ModelContent(
        labels={**{structure.id: structure.label for structure in STRUCTURES}, "other_bone": OTHER_BONE},
        hidden=("other_bone",),
        channel="CT",
        cases=cases,
        median_size_mm=(300.0, 300.0, 380.0),
    )


def export_run(run: Path, folder: Path, *, cases: int, card: ModelCard = BONES) -> None:
    """The averaged weights of all stages of the bone model trained in ``run`` (one folder each) as a model folder."""
    stages = []
    training: dict[str, Any] = {"cases": cases, "data": "synthetic CT (BoneSegLib/training/synthesis)"}
    for name, plan in STAGES.items():
        checkpoint = run / name / "checkpoint.pt"
        if not checkpoint.exists():
            continue
        state = read_checkpoint(checkpoint)
        _require_fit(plan, state["averaged"])
        stages.append(TrainedStage(plan_of_stage(plan), {"0": state["averaged"]}))
        progress = state["progress"]
        training[name] = {"steps": progress["step"], "minutes": round(progress["seconds"] / 60)}
    if not stages or stages[0].plan.previous:
        raise InputError(
            f"'{run.name}' has no trained first stage.", remedy="Train it: boneseg train --stage 3d_lowres"
        )
    export_model(folder, stages, bone_content(cases), replace(card, training={**training, **card.training}))


def _require_fit(plan: StagePlan, state: Mapping[str, torch.Tensor]) -> None:
    """Raises `ModelError` for a training that was begun when the stage had other features."""
    weights = plain_conv_unet_weights(plan.architecture, state, half=False)
    PlainConvUNet(plan.architecture, weights, in_channels=plan.in_channels(CLASS_COUNT), heads=CLASS_COUNT)


def export_model(
    folder: Path, stages: Sequence[TrainedStage], content: ModelContent, card: ModelCard, *, half: bool = True
) -> None:
    """Writes the model folder. ``stages``: coarsest first; ``half``: weights in half precision."""
    plans = [stage.plan for stage in stages]
    described = plans_json(plans, name=card.name, median_size_mm=content.median_size_mm)
    dataset = dataset_json(name=card.name, channel=content.channel, labels=content.labels, cases=content.cases)
    files: dict[str, str] = {}
    for stage in stages:
        stage_folder = folder / f"nnUNetTrainer__nnUNetPlans__{stage.plan.name}"
        _write_json(stage_folder / "plans.json", described)
        _write_json(stage_folder / "dataset.json", dataset)
        for fold, state in stage.folds.items():
            checkpoint = {
                "network_weights": plain_conv_unet_weights(stage.plan.architecture, state, half=half),
                "init_args": {"configuration": stage.plan.name, "fold": int(fold) if fold.isdigit() else fold},
                "trainer_name": "nnUNetTrainer",
                "inference_allowed_mirroring_axes": content.mirror_axes or None,
            }
            (stage_folder / f"fold_{fold}").mkdir(parents=True, exist_ok=True)
            torch.save(checkpoint, stage_folder / f"fold_{fold}" / "checkpoint_final.pth")
        for path in sorted(stage_folder.rglob("*.*")):
            files[path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    names = [plan.name for plan in plans]
    manifest = {
        "name": card.name,
        "version": card.version,
        "title": card.title,
        "license": card.license,
        "attribution": list(card.attribution),
        "not_for_clinical_use": True,
        "orientation": "LPS",
        **({"padding": "air"} if plans[0].air else {}),
        "structures": {name: label for name, label in content.labels.items() if name not in content.hidden},
        "stages": {"fast": names, "full": names},
        "step": {"fast": SIDE_BY_SIDE},
        "training": card.training,
        "accuracy": card.accuracy,
        "files": files,
    }
    _write_json(folder / "boneseg.json", manifest)


def plain_conv_unet_weights(
    architecture: Architecture, state: Mapping[str, torch.Tensor], *, half: bool = True
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

    for ours, theirs in parameter_names(architecture).items():
        tensor = state[ours].detach().to(dtype).contiguous().clone()
        put(theirs, tensor)
        if theirs.endswith(".conv.weight"):
            put(theirs.removesuffix("weight") + "bias", torch.zeros(tensor.shape[0], dtype=dtype))
    heads = weights[f"decoder.seg_layers.{len(architecture.features) - 2}.bias"].shape[0]
    for level in range(len(architecture.features) - 2):
        # Heads of deep supervision, which inference does not use; level 0 is the coarsest.
        channels = architecture.features[-2 - level]
        weights[f"decoder.seg_layers.{level}.weight"] = torch.zeros((heads, channels, 1, 1, 1), dtype=dtype)
        weights[f"decoder.seg_layers.{level}.bias"] = torch.zeros(heads, dtype=dtype)
    for name in [name for name in weights if name.startswith("encoder.")]:
        weights[f"decoder.{name}"] = weights[name]
    return weights


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
