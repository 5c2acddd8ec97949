"""`boneseg train` on anybody's data: plans, folds, curves, a model folder, and what it reaches on held-out cases."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from BoneSegLib.options import Progress as Tell
from BoneSegLib.options import no_progress
from BoneSegLib.training.coarse_answers import answer_held_out
from BoneSegLib.training.cross_validation import validate_fold
from BoneSegLib.training.folds import ALL, split_of
from BoneSegLib.training.loop import Progress
from BoneSegLib.training.project import Project
from BoneSegLib.training.train_fold import FoldOptions, Report, train_fold
from BoneSegLib.training.trained_folds import begun_folds, is_trained
from BoneSegLib.training.write_model import write_model

logger = logging.getLogger(__name__)


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

    Of a cascade, the first network is trained on every fold before the second one on any, which learns from what the
    first says of the cases that it was trained without (nnU-Net's way). ``validate``: segment the cases that a fold
    kept, by the model as it was written, and compare. May be killed at any moment: the same call goes on.
    """
    splits = [split_of(project.cases, fold) for fold in folds]
    progress: dict[str, dict[str, Progress]] = {}
    dice: dict[str, dict[str, float]] = {}
    parts = [(plan, split) for plan in project.plans for split in splits]
    for begun, (plan, split) in enumerate(parts):
        report = _report(tell, f"{plan.name}, fold {split.fold}", begun, len(parts))
        made = train_fold(project, plan, split, project.fold_folder(plan, split.fold), options, report=report)
        progress.setdefault(split.fold, {})[plan.name] = made
        if plan is not project.plans[-1]:
            answer_held_out(project, plan, split, device=options.device, precision=options.precision)
        elif validate and split.validation:
            model = write_model(project, name=name)
            dice[split.fold] = validate_fold(project, split, model, device=options.device, precision=options.precision)
    model = write_model(project, name=name, fold_all=ALL in folds)
    tell(1.0, "Trained")
    for fold in begun_folds(project):
        if (fold == ALL) == (ALL in folds) and not is_trained(project, fold):
            logger.warning(
                "Fold %s is not in the model: it was stopped before its end. Go on with --fold %s.", fold, fold
            )
    return Trained(model, progress, dice)


def _report(tell: Tell, what: str, begun: int, total: int) -> Report:
    def report(share: float, made: Progress) -> None:
        tell((begun + share) / total, f"{what}, step {made.step}, Dice loss {made.dice_loss:.2f}")

    return report
