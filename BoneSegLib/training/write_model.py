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
from BoneSegLib.training.cross_validation import judged_cases, read_dice
from BoneSegLib.training.export import ModelContent, TrainedStage, export_model
from BoneSegLib.training.folds import ALL
from BoneSegLib.training.project import Project
from BoneSegLib.training.readme import README, is_users_own, model_readme
from BoneSegLib.training.trained_folds import begun_folds, fold_weights, is_trained, trained_steps

MODEL = "model"

Weights = Mapping[str, Mapping[str, Mapping[str, torch.Tensor]]]
"""Network -> fold -> DynUNet's state."""


def write_model(project: Project, *, name: str, fold_all: bool = False) -> Path:
    """The model folder in the project's: averaged weights of every fold on which all networks have spent their budget.

    ``fold_all``: of the training on all cases instead.
    """
    folds = [fold for fold in begun_folds(project) if (fold == ALL) == fold_all and is_trained(project, fold)]
    if not folds:
        raise InputError(f"'{project.folder.name}' holds no fold that every network was trained on.")
    weights = {plan.name: {fold: fold_weights(project, plan, fold) for fold in folds} for plan in project.plans}
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
    steps = {
        stage.plan.name: {fold: trained_steps(project, stage.plan, fold) for fold in stage.folds} for stage in stages
    }
    training: dict[str, Any] = {"cases": len(project.cases), "folds": list(stages[0].folds), "steps": steps}
    if project.options.fine_tune is not None:
        training["started_from"] = load_model(project.options.fine_tune).name
    found = read_dice(project)
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
    if is_users_own(folder / README):
        shutil.copy2(folder / README, unfinished / README)
    else:
        readme = model_readme(project, steps, judged_cases(project, list(found)), name=name, judged_folds=found)
        (unfinished / README).write_text(readme, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.replace(folder)
    return folder
