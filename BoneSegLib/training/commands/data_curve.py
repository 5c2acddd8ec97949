"""`boneseg data-curve`: how the Dice grows with the number of cases."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from BoneSegLib.errors import Cancelled
from BoneSegLib.training.commands.parse import sizes
from BoneSegLib.training.commands.train import LESS_MEMORY, add_data_options, add_loop_options
from BoneSegLib.words import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg data-curve``."""
    parser.description = (
        "How much data does it take? Trains on more and more cases, each time with the same budget, judges on the same "
        "held-out cases, and draws the Dice against the number of cases. Goes on where it was stopped."
    )
    parser.add_argument("data", metavar="DATA", type=Path, help="folder of images and labels, as for 'boneseg train'")
    parser.add_argument("-o", "--output", metavar="RUN", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--sizes", type=sizes, default=(1, 2, 4, 8), metavar="N,M", help="numbers of cases (1,2,4,8)")
    parser.add_argument("--fold", default="0", metavar="N", help="whose held-out cases judge (default: %(default)s)")
    add_data_options(parser)
    add_loop_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object with the Dice by number of cases")


def run_command(args: argparse.Namespace) -> int:
    """Runs it; returns the exit code 0, or raises a `BoneSegLib.errors.BoneSegError`."""
    from BoneSegLib.training.commands.train_own import describe, fold_options, project_options, require_sensible

    require_sensible(args)
    if not sys.stderr.isatty():  # a terminal has a progress bar instead
        logging.basicConfig(format="%(message)s", stream=sys.stderr)
        logging.getLogger("BoneSegLib").setLevel(logging.INFO)
    import torch

    from BoneSegLib.commands.progress import TerminalProgress
    from BoneSegLib.inference.out_of_memory import memory_errors_told
    from BoneSegLib.training.begin import begin, prepare_cases
    from BoneSegLib.training.data_curve import FILE, PICTURE, data_curve

    if args.threads:
        torch.set_num_threads(args.threads)
    project = begin(args.data, args.output, project_options(args), progress=TerminalProgress())
    describe(project)
    prepare_cases(project, progress=TerminalProgress())
    try:
        with memory_errors_told(remedy=LESS_MEMORY):
            points = data_curve(project, args.sizes, fold_options(args), fold=args.fold, tell=TerminalProgress())
    except KeyboardInterrupt as error:
        raise Cancelled("Stopped. The trainings are kept.", remedy="The same command goes on.") from error
    if args.json:
        found = {str(point.cases): point.dice for point in points}
        done = {"dice": found, "table": str(args.output / FILE), "picture": str(args.output / PICTURE)}
        sys.stdout.write(json.dumps(done) + "\n")
    else:
        sys.stdout.writelines(
            f"{counted(point.cases, 'case')}: mean Dice {point.dice['mean']:.3f}\n" for point in points
        )
        sys.stdout.write(f"{args.output / PICTURE}\n")
    return 0
