"""`boneseg train` on the cases of `boneseg synthesize`: the two stages of the bundled bone model."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from BoneSegLib.errors import InputError, UsageError
from BoneSegLib.training.commands.parse import budget

_DRAFTED = 0.4
"""Of the steps of the second stage, so many start from a draft: that of the bundled network."""


def train_bones(args: argparse.Namespace) -> dict[str, object]:
    """Trains a stage, writes a model, or both; returns what was done."""
    if args.stage is None and args.export is None:
        raise UsageError(
            f"'{args.data.name}' holds cases for the networks of the bundled model, and none of these was named.",
            remedy="Train one with --stage, write a model with --export, or make cases for a model of your own: "
            "boneseg synthesize --format nnunet.",
        )
    if args.window and any(size % 16 for size in args.window):
        raise UsageError("--window should be three multiples of 16, as in 64,64,64.")
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
