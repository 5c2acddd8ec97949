"""How much data? The same training on more and more cases, judged on the same held-out ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from BoneSegLib.errors import UsageError
from BoneSegLib.options import Progress as Tell
from BoneSegLib.options import no_progress
from BoneSegLib.report.line_chart import Line, write_line_chart
from BoneSegLib.training.cross_validation import read_dice, validate_fold
from BoneSegLib.training.curves import append_row
from BoneSegLib.training.folds import Split, split_of
from BoneSegLib.training.loop import Progress
from BoneSegLib.training.project import Project
from BoneSegLib.training.train_fold import FoldOptions, Report, train_fold
from BoneSegLib.training.trained_folds import fold_weights
from BoneSegLib.training.write_model import export_weights
from BoneSegLib.words import counted

FILE, PICTURE = "data_curve.csv", "data_curve.png"
_FOLDER = "data_curve"


@dataclass(frozen=True)
class Point:
    """``cases`` trained on, and the Dice of each label and of all (``mean``) on the held-out ones."""

    cases: int
    dice: dict[str, float]


def data_curve(
    project: Project, sizes: Sequence[int], options: FoldOptions, *, fold: str = "0", tell: Tell = no_progress
) -> list[Point]:
    """Trains with the same budget on each number of cases; the smaller sets are parts of the larger ones.

    Writes ``data_curve.csv`` and ``data_curve.png`` into the project's folder. Trainings that are done are not
    repeated. Raises `UsageError` when there are not so many cases.
    """
    split = split_of(project.cases, fold)
    if not split.validation:
        raise UsageError("Held-out cases are needed to judge by.", remedy="Choose a fold from 0 to 4.")
    if max(sizes) > len(split.training):
        raise UsageError(
            f"Fold {fold} has {len(split.training)} cases to train on, not {max(sizes)}.",
            remedy=f"Give smaller numbers: --sizes 1,{len(split.training)}",
        )
    points = []
    for done, size in enumerate(sizes):
        part = replace(split, training=_chosen(split, size))
        points.append(_point(project, part, options, tell, done=done, total=len(sizes)))
        _write(project, fold)
    return points


def _chosen(split: Split, size: int) -> tuple[str, ...]:
    """The first cases of an order that does not depend on how many are wanted."""
    order = torch.randperm(len(split.training), generator=torch.Generator().manual_seed(1)).tolist()
    return tuple(sorted(split.training[index] for index in order[:size]))


def _point(project: Project, split: Split, options: FoldOptions, tell: Tell, *, done: int, total: int) -> Point:
    size = len(split.training)
    own = replace(project, folder=project.folder / _FOLDER / f"cases_{size}")
    states = {}
    for place, plan in enumerate(project.plans):
        report = _report(tell, size, done + place / len(project.plans), total * len(project.plans))
        folder = own.fold_folder(plan, split.fold)
        train_fold(project, plan, split, folder, options, report=report)
        states[plan.name] = {split.fold: fold_weights(own, plan, split.fold)}
    model = export_weights(own, states, name=f"{project.folder.name}-{size}")
    return Point(size, validate_fold(own, split, model, device=options.device, precision=options.precision))


def _points(project: Project, fold: str) -> list[Point]:
    found = {
        int(folder.name.removeprefix("cases_")): read_dice(replace(project, folder=folder))
        for folder in (project.folder / _FOLDER).glob("cases_*")
    }
    return [Point(size, found[size][fold]) for size in sorted(found) if fold in found[size]]


def _report(tell: Tell, size: int, begun: float, total: int) -> Report:
    def report(share: float, made: Progress) -> None:
        tell(
            min(1.0, (begun + share) / total),
            f"{counted(size, 'case')}, step {made.step}, Dice loss {made.dice_loss:.2f}",
        )

    return report


def _write(project: Project, fold: str) -> None:
    """All sizes that were judged by this fold's cases, in this call or before."""
    folder, points = project.folder, _points(project, fold)
    labels = list(dict.fromkeys(name for point in points for name in point.dice))
    (folder / FILE).unlink(missing_ok=True)
    for point in points:
        append_row(folder / FILE, {"cases": point.cases, **{name: point.dice.get(name, math.nan) for name in labels}})
    counts = [point.cases for point in points]
    lines = [
        Line(name, counts, [point.dice.get(name, math.nan) for point in points], marks=True)
        for name in sorted(labels, key=lambda name: name != "mean")[:6]
    ]
    write_line_chart(
        folder / PICTURE, lines, title="How much data", x_title="cases trained on", y_title="Dice", y_range=(0.0, 1.0)
    )
