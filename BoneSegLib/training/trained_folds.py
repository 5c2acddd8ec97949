"""Which folds of a training are done, and their weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from BoneSegLib.training.checkpoint import read_checkpoint
from BoneSegLib.training.planning.network_plan import NetworkPlan
from BoneSegLib.training.project import Project
from BoneSegLib.training.train_fold import CHECKPOINT


def fold_weights(project: Project, plan: NetworkPlan, fold: str) -> Mapping[str, torch.Tensor]:
    """The averaged weights of one network, trained on one fold."""
    return read_checkpoint(project.fold_folder(plan, fold) / CHECKPOINT)["averaged"]


def trained_steps(project: Project, plan: NetworkPlan, fold: str) -> int:
    """How many steps those weights were trained."""
    return read_checkpoint(project.fold_folder(plan, fold) / CHECKPOINT)["progress"]["step"]


def begun_folds(project: Project) -> tuple[str, ...]:
    """The folds that any network was trained on, sorted."""
    folders = [project.folder / plan.name for plan in project.plans]
    found = {path.parent.name for folder in folders for path in folder.glob(f"fold_*/{CHECKPOINT}")}
    return tuple(sorted(name.removeprefix("fold_") for name in found))


def is_begun(project: Project, fold: str) -> bool:
    """Whether every network was trained on the fold, to the end or not."""
    return all((project.fold_folder(plan, fold) / CHECKPOINT).exists() for plan in project.plans)


def is_trained(project: Project, fold: str) -> bool:
    """Whether every network has spent its budget on the fold.

    One that goes on with a larger budget does not count until that is spent too.
    """
    checkpoints = [project.fold_folder(plan, fold) / CHECKPOINT for plan in project.plans]
    # Those that were written before this was kept count as finished.
    return is_begun(project, fold) and all(read_checkpoint(path).get("finished", True) for path in checkpoints)
