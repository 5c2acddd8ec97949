"""`boneseg train` on the user's own images and labels."""

from __future__ import annotations

import argparse
import math
import sys
from typing import TYPE_CHECKING, Any

from BoneSegLib.commands.progress import TerminalProgress
from BoneSegLib.errors import UsageError
from BoneSegLib.training.commands.parse import budget, require_above_zero
from BoneSegLib.words import counted

if TYPE_CHECKING:
    from BoneSegLib.training.project import Project, ProjectOptions
    from BoneSegLib.training.train_fold import FoldOptions


def train_own(args: argparse.Namespace) -> dict[str, Any]:
    """Plans, trains, validates; returns what was done."""
    require_sensible(args)
    import torch

    from BoneSegLib.training.begin import begin, prepare_cases

    if args.threads:
        torch.set_num_threads(args.threads)
    project = begin(args.data, args.output, project_options(args), keep=not args.plan_only, progress=TerminalProgress())
    describe(project)
    if args.plan_only:
        return {"training": str(args.output), **summary(project)}
    prepare_cases(project, progress=TerminalProgress())

    from BoneSegLib.training.train_data import train_folds

    trained = train_folds(
        project,
        args.folds,
        fold_options(args),
        name=args.name or args.output.resolve().name,
        validate=not args.no_validation,
        tell=TerminalProgress(),
    )
    return {
        "model": str(trained.model),
        **summary(project),
        "steps": {fold: {name: made.step for name, made in each.items()} for fold, each in trained.progress.items()},
        "dice_held_out": {
            fold: {name: round(value, 4) for name, value in each.items() if math.isfinite(value)}
            for fold, each in trained.dice.items()
        },
    }


def require_sensible(args: argparse.Namespace) -> None:
    """Raises `UsageError` for budgets and sizes that make no sense."""
    require_above_zero(args)
    if args.fine_tune is not None and any((args.features, args.spacing, args.window, args.memory)):
        raise UsageError(
            "--fine-tune takes its plans from the model.", remedy="Leave out --features, --spacing, --window, --memory."
        )
    if args.tensorboard:
        from BoneSegLib.training.tensorboard import require_tensorboard

        require_tensorboard()


def project_options(args: argparse.Namespace) -> ProjectOptions:
    """What the project is about. On a CPU, networks are planned small: time is what there is least of."""
    from BoneSegLib.inference.device import choose_device
    from BoneSegLib.training.planning.planner import PlannerOptions
    from BoneSegLib.training.project import ProjectOptions

    on_cpu = choose_device(args.device).type == "cpu"
    planner = PlannerOptions(
        memory_gb=args.memory or (1.0 if on_cpu else 8.0),
        features=args.features or (16 if on_cpu else 32),
        stages=args.stages,
        spacing=args.spacing,
        patch=args.window,
    )
    return ProjectOptions(
        labels=tuple(args.labels),
        modality=args.modality,
        planner=planner,
        fine_tune=args.fine_tune,
        mirror=not args.no_mirroring,
        unasked=tuple(name for name, given in (("memory_gb", args.memory), ("features", args.features)) if not given),
    )


def fold_options(args: argparse.Namespace) -> FoldOptions:
    """How to train; a batch of 0 means as planned."""
    from BoneSegLib.training.loop import LoopOptions
    from BoneSegLib.training.train_fold import FoldOptions

    minutes, steps = budget(args)
    loop = LoopOptions(
        minutes=minutes,
        steps=steps,
        batch=args.batch or 0,
        learning_rate=args.learning_rate,
        checkpoint_seconds=60.0,
    )
    every = max(1, min(250, steps // 4))
    return FoldOptions(
        loop=loop, validate_steps=every, device=args.device, precision=args.precision, tensorboard=args.tensorboard
    )


def describe(project: Project) -> None:
    """The plans, for people, on standard error."""
    lines = [f"Note: {note}" for note in project.source.notes]
    lines.append(f"{counted(len(project.cases), 'case')}, {project.channel}; labels: {', '.join(project.rules.names)}")
    for plan in project.plans:
        features = "-".join(map(str, plan.architecture.features))
        lines.append(
            f"{plan.name}: {' x '.join(f'{step:.3g}' for step in plan.spacing)} mm, window "
            f"{' x '.join(map(str, plan.patch))}, batch {plan.batch}, features {features}, {plan.normalization}"
        )
    mirroring = project.mirroring
    names = {0: "up-down", 1: "front-back", 2: "left-right"}
    told = ", ".join(names[axis] for axis in mirroring.axes) or "none"
    lines.append(f"mirrored: {told}{' with names of sides swapped' if mirroring.swaps else ''}")
    sys.stderr.writelines(line + "\n" for line in lines)


def summary(project: Project) -> dict[str, Any]:
    """The plans, as plain data."""
    return {
        "cases": len(project.cases),
        "modality": project.channel,
        "labels": list(project.rules.names),
        "networks": {
            plan.name: {"spacing_mm": list(plan.spacing), "window": list(plan.patch), "batch": plan.batch}
            for plan in project.plans
        },
    }
