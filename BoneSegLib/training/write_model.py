"""From the checkpoints of a training to a model folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from BoneSegLib.errors import InputError
from BoneSegLib.inference.loading import load_model
from BoneSegLib.training.card import ModelCard
from BoneSegLib.training.cross_validation import read_dice
from BoneSegLib.training.export import ModelContent, TrainedStage, export_model
from BoneSegLib.training.folds import ALL
from BoneSegLib.training.planning.network_plan import NetworkPlan
from BoneSegLib.training.project import Project
from BoneSegLib.training.train_fold import CHECKPOINT

MODEL = "model"

Weights = Mapping[str, Mapping[str, Mapping[str, torch.Tensor]]]
"""Network -> fold -> DynUNet's state."""


def write_model(project: Project, *, name: str, fold_all: bool = False) -> Path:
    """The model folder in the project's: averaged weights of every fold that all networks were trained on so far.

    ``fold_all``: of the training on all cases instead.
    """
    weights = {plan.name: _weights(project, plan, fold_all=fold_all) for plan in project.plans}
    return export_weights(project, weights, name=name)


def export_weights(project: Project, weights: Weights, *, name: str) -> Path:
    """A model folder in the project's, from weights by network and fold."""
    stages = [TrainedStage(plan, weights[plan.name]) for plan in project.plans]
    return export_stages(project, stages, project.folder / MODEL, name=name)


def export_stages(project: Project, stages: Sequence[TrainedStage], folder: Path, *, name: str) -> Path:
    """``folder``, made anew as a model of these networks of the project."""
    content = ModelContent(
        labels={label: number for number, label in enumerate(project.rules.names, start=1)},
        channel=project.channel,
        cases=len(project.cases),
        median_size_mm=project.median_size_mm,
        mirror_axes=project.mirroring.at_inference,
    )
    training: dict[str, Any] = {"cases": len(project.cases), "folds": list(stages[0].folds)}
    if project.options.fine_tune is not None:
        training["started_from"] = load_model(project.options.fine_tune).name
    found = read_dice(project.folder)
    names = ", ".join(project.rules.names[:6]) + (", ..." if len(project.rules.names) > 6 else "")
    card = ModelCard(
        name=name,
        version="1.0.0",
        title=f"{names} in {project.channel}",
        license="unknown",
        attribution=(),
        training=training,
        accuracy={"held-out cases, Dice by fold": found} if found else {},
    )
    unfinished = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    export_model(unfinished, stages, content, card, half=False)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.replace(folder)
    load_model.cache_clear()
    return folder


def fold_weights(project: Project, plan: NetworkPlan, fold: str) -> Mapping[str, torch.Tensor]:
    """The averaged weights of one network, trained on one fold."""
    checkpoint = project.fold_folder(plan, fold) / CHECKPOINT
    return torch.load(checkpoint, weights_only=True, map_location="cpu")["averaged"]


def _weights(project: Project, plan: NetworkPlan, *, fold_all: bool) -> dict[str, Mapping[str, torch.Tensor]]:
    """Fold -> averaged weights."""
    folds = [
        path.parent.name.removeprefix("fold_") for path in (project.folder / plan.name).glob("fold_*/checkpoint.pt")
    ]
    whole = [
        fold
        for fold in sorted(folds)
        if (fold == ALL) == fold_all
        and all((project.fold_folder(other, fold) / CHECKPOINT).exists() for other in project.plans)
    ]
    if not whole:
        raise InputError(f"'{project.folder.name}' holds no trained network '{plan.name}'.")
    return {fold: fold_weights(project, plan, fold) for fold in whole}
