"""`boneseg train` on anybody's data: plans, folds, curves, a model folder, and what it reaches on held-out cases."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from BoneSegLib.errors import InputError
from BoneSegLib.inference.loading import load_model
from BoneSegLib.options import Progress as Tell
from BoneSegLib.options import no_progress
from BoneSegLib.training.card import ModelCard
from BoneSegLib.training.cross_validation import read_dice, validate_fold
from BoneSegLib.training.export import ModelContent, TrainedStage, export_model
from BoneSegLib.training.folds import ALL, split_of
from BoneSegLib.training.loop import Progress
from BoneSegLib.training.planning.network_plan import NetworkPlan
from BoneSegLib.training.project import Project
from BoneSegLib.training.train_fold import CHECKPOINT, FoldOptions, Report, train_fold

MODEL = "model"

Weights = Mapping[str, Mapping[str, Mapping[str, torch.Tensor]]]
"""Network -> fold -> DynUNet's state."""


@dataclass(frozen=True, eq=False)
class Trained:
    """``model``: the folder for ``boneseg segment --model``. ``dice``: fold -> label -> mean over held-out cases."""

    model: Path
    progress: dict[str, dict[str, Progress]]
    dice: dict[str, dict[str, float]]


def train_folds(
    project: Project,
    folds: Sequence[str],
    options: FoldOptions,
    *,
    name: str,
    validate: bool = True,
    tell: Tell = no_progress,
) -> Trained:
    """Trains all networks of the project on each of ``folds`` and writes the model folder, all folds so far in it.

    ``validate``: segment the cases that a fold kept, by the model as it was written, and compare. May be killed at any
    moment: the same call goes on.
    """
    splits = [split_of(project.cases, fold) for fold in folds]
    progress: dict[str, dict[str, Progress]] = {}
    dice: dict[str, dict[str, float]] = {}
    parts = [(split, plan) for split in splits for plan in project.plans]
    for begun, (split, plan) in enumerate(parts):
        report = _report(tell, f"{plan.name}, fold {split.fold}", begun, len(parts))
        made = train_fold(project, plan, split, project.fold_folder(plan, split.fold), options, report=report)
        progress.setdefault(split.fold, {})[plan.name] = made
        if validate and split.validation and plan is project.plans[-1]:
            model = write_model(project, name=name)
            dice[split.fold] = validate_fold(project, split, model, device=options.device, precision=options.precision)
    model = write_model(project, name=name, fold_all=ALL in folds)
    tell(1.0, "Trained")
    return Trained(model, progress, dice)


def _report(tell: Tell, what: str, begun: int, total: int) -> Report:
    def report(share: float, made: Progress) -> None:
        tell((begun + share) / total, f"{what}, step {made.step}, Dice loss {made.dice_loss:.2f}")

    return report


def write_model(project: Project, *, name: str, fold_all: bool = False) -> Path:
    """The model folder in the project's: averaged weights of every fold that all networks were trained on so far.

    ``fold_all``: of the training on all cases instead.
    """
    weights = {plan.name: _weights(project, plan, fold_all=fold_all) for plan in project.plans}
    return export_weights(project, weights, name=name)


def export_weights(project: Project, weights: Weights, *, name: str) -> Path:
    """A model folder in the project's, from weights by network and fold."""
    stages = [TrainedStage(plan, weights[plan.name]) for plan in project.plans]
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
    folder = project.folder / MODEL
    unfinished = folder.with_name(f"{MODEL}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    export_model(unfinished, stages, content, card, half=False)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.replace(folder)
    load_model.cache_clear()
    return folder


def _weights(project: Project, plan: NetworkPlan, *, fold_all: bool) -> dict[str, Any]:
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
    return {
        fold: torch.load(project.fold_folder(plan, fold) / CHECKPOINT, weights_only=True, map_location="cpu")[
            "averaged"
        ]
        for fold in whole
    }
