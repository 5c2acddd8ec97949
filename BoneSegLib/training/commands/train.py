"""`boneseg train`: synthetic cases in, a trained stage, and with `--export` a model folder, out."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

from BoneSegLib.errors import InputError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg train``."""
    parser.description = (
        "Train the stages of a bone model on the cases of 'boneseg synthesize --format npy'. A training may be killed "
        "at any moment: the same command goes on from its last checkpoint. Train both stages, then --export."
    )
    parser.add_argument("cases", metavar="CASES", type=Path, help="folder of cases")
    parser.add_argument("-o", "--output", metavar="RUN", type=Path, required=True,
                        help="folder of the training: one folder per stage, with checkpoint and curve")  # fmt: skip
    parser.add_argument("--stage", choices=("3d_lowres", "3d_cascade_fullres"), help="which network to train")
    parser.add_argument("--minutes", type=float, default=60.0, help="computing time, over all resumptions")
    parser.add_argument("--steps", type=int, default=1_000_000, help="stop after so many steps, if sooner")
    parser.add_argument("--batch", type=int, default=2, help="examples per step (default: %(default)s)")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="at the start (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="computing threads (default: %(default)s)")
    parser.add_argument(
        "--window", metavar="K,J,I", help="train on smaller windows than inference uses, which is cheaper"
    )
    parser.add_argument("--export", metavar="MODEL", type=Path, help="write a model folder from the trained stages")
    parser.add_argument("--json", action="store_true", help="print one JSON object with the progress made")


def run_command(args: argparse.Namespace) -> int:
    """Run it; returns the exit code 0, or raises a `BoneSegLib.errors.BoneSegError`."""
    if args.stage is None and args.export is None:
        raise UsageError("There is nothing to do.", remedy="Give --stage to train, --export to write a model, or both.")
    window = _parse_window(args.window)

    from BoneSegLib.training import export, train
    from BoneSegLib.training.cases import list_cases
    from BoneSegLib.training.loop import LoopOptions

    cases = list_cases(args.cases)
    if not cases:
        raise InputError(
            f"There are no cases in '{args.cases.name}'.", remedy="Make some: boneseg synthesize MAPS -o FOLDER"
        )
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    done: dict[str, object] = {"cases": len(cases)}
    if args.stage is not None:
        options = LoopOptions(
            minutes=args.minutes, steps=args.steps, batch=args.batch, learning_rate=args.learning_rate
        )
        progress = train.run(args.cases, args.output / args.stage, stage=args.stage, options=options,
                             threads=args.threads, patch=window)  # fmt: skip
        done[args.stage] = asdict(progress)
    if args.export is not None:
        export.export_run(args.output, args.export, cases=len(cases))
        done["model"] = str(args.export)
    sys.stdout.write((json.dumps(done) if args.json else "\n".join(f"{k}: {v}" for k, v in done.items())) + "\n")
    return 0


def _parse_window(text: str | None) -> tuple[int, int, int] | None:
    if text is None:
        return None
    sizes = [int(part) for part in text.split(",") if part.strip().isdigit()]
    if len(sizes) != 3 or any(size % 16 for size in sizes):
        raise UsageError("--window should be three multiples of 16, as in 64,64,64.")
    return (sizes[0], sizes[1], sizes[2])
