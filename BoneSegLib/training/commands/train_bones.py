"""`boneseg train` on the cases of `boneseg synthesize`: the two stages of the bundled bone model."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from BoneSegLib.errors import InputError, UsageError
from BoneSegLib.training.commands.parse import budget, require_above_zero

_DRAFTED = 0.4
"""Of the steps of the second stage, so many start from a draft: that of the bundled network."""


_NOT_OF_BONES = {"folds": ("0",), "plan_only": False, "no_validation": False, "name": None, "labels": (),
                 "modality": None, "no_mirroring": False, "memory": None, "features": None, "stages": None,
                 "spacing": None}  # fmt: skip
_NOT_OF_DISCS = {"device": "auto", "precision": "auto", "batch": None, "learning_rate": 2e-3, "window": None,
                 "tensorboard": False}  # fmt: skip
"""Options and what they are if nobody gave them: the bundled networks' plans are settled (`stage.py`)."""


def train_bones(args: argparse.Namespace) -> dict[str, object]:
    """Trains a stage, writes a model, or both; returns what was done."""
    if args.stage is None and args.export is None:
        raise UsageError(
            f"'{args.data.name}' holds cases for the networks of the bundled model, and none of these was named.",
            remedy="Train one with --stage, write a model with --export, or make cases for a model of your own: "
            "boneseg synthesize without --format npy.",
        )
    if args.window and any(size % 16 for size in args.window):
        raise UsageError("--window should be three multiples of 16, as in 64,64,64.")
    require_above_zero(args)
    _require_none_ignored(args)
    if args.stage == "discs" and args.fine_tune:
        raise UsageError("The small network that sees discs is always trained anew.", remedy="Leave out --fine-tune.")

    from BoneSegLib.training import export, train
    from BoneSegLib.training.cases import list_cases
    from BoneSegLib.training.loop import LoopOptions
    from BoneSegLib.training.stage import STAGES

    cases = list_cases(args.data)
    if not cases:
        raise InputError(
            f"There are no cases in '{args.data.name}'.", remedy="Make some: boneseg synthesize MAPS -o FOLDER"
        )
    minutes, steps = budget(args)
    done: dict[str, object] = {"cases": len(cases)}
    if args.stage == "discs":
        from BoneSegLib.training.discs.train import run

        folder, threads = args.output / "discs", args.threads or 1
        done["discs"] = str(run(args.data, folder, minutes=minutes, steps=steps, threads=threads))
    elif args.stage is not None:
        options = LoopOptions(
            minutes=minutes,
            steps=steps,
            batch=args.batch or 2,
            learning_rate=args.learning_rate,
            drafted=_DRAFTED if STAGES[args.stage].previous else 0.0,
        )
        progress = train.run(args.data, args.output / args.stage, stage=args.stage, options=options,
                             threads=args.threads or 1, patch=args.window, fine_tune=args.fine_tune,
                             device=args.device, precision=args.precision, tensorboard=args.tensorboard)  # fmt: skip
        done[args.stage] = asdict(progress)
    if args.export is not None:
        export.export_run(args.output, args.export, cases=len(cases))
        done["model"] = str(args.export)
    return done


def _require_none_ignored(args: argparse.Namespace) -> None:
    """Raises `UsageError` for options that would change nothing."""
    idle = _NOT_OF_BONES | (_NOT_OF_DISCS if args.stage == "discs" else {})
    given = [name for name, usual in idle.items() if getattr(args, name) != usual]
    if given:
        words = ", ".join(
            f"--{name.removesuffix('s') if name == 'folds' else name.replace('_', '-')}" for name in given
        )
        raise UsageError(
            f"{words}: of no effect on the networks of the bundled model.",
            remedy="Leave it out; or make cases for a model of your own: boneseg synthesize without --format npy.",
        )
