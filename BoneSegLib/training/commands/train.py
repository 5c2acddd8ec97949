"""`boneseg train`: images and labels in, a model folder out."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from BoneSegLib.errors import Cancelled
from BoneSegLib.models.named import model_folder
from BoneSegLib.options import DEVICES, PRECISIONS
from BoneSegLib.training.commands.parse import folds, three_numbers, three_sizes

LESS_MEMORY = "Take a smaller --batch; or begin in another folder with less --memory or a smaller --window."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg train``."""
    parser.description = (
        "Train a model on images and labels: nnU-Net's raw layout, two folders 'images' and 'labels', pairs of files "
        "x_ct.nii.gz and x_labels.nii.gz, or segmentations saved from Slicer. Plans are made from the data. A training "
        "may be killed at any moment: the same command goes on from its last checkpoint. RUN/model is the result."
    )
    parser.add_argument("data", metavar="DATA", type=Path, help="folder of images and labels")
    parser.add_argument("-o", "--output", metavar="RUN", type=Path, required=True,
                        help="folder of the training: plans, prepared cases, checkpoints, curves, model")  # fmt: skip
    add_data_options(parser)
    add_loop_options(parser)
    parser.add_argument("--fold", dest="folds", type=folds, default=("0",), metavar="N|N,M|all",
                        help="of the five-fold cross-validation; 'all' trains on every case (default: 0)")  # fmt: skip
    parser.add_argument("--plan-only", action="store_true", help="make the plans, show them, and stop")
    parser.add_argument("--no-validation", action="store_true", help="do not segment the held-out cases at the end")
    parser.add_argument("--name", help="of the model (default: the name of RUN)")
    bones = parser.add_argument_group("the bundled bone model, on cases of 'boneseg synthesize --format npy'")
    bones.add_argument("--stage", choices=("3d_lowres", "3d_cascade_fullres", "discs"),
                       help="which network to train; 'discs': the small one that sees them")  # fmt: skip
    bones.add_argument("--export", metavar="MODEL", type=Path, help="write a model folder from the trained stages")
    parser.add_argument("--json", action="store_true", help="print one JSON object that tells what was done")


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """What is in the data, and what network to plan for them."""
    parser.add_argument(
        "--labels", nargs="+", default=(), metavar="NAME=VALUES",
        help="which drawn values or segments make which label: liver=1 kidneys=2,3 spine=L1,L2; or a JSON file; or "
        "'bones', or 'totalsegmentator' for our bones among its values (default: everything that is drawn)",
    )  # fmt: skip
    parser.add_argument("--modality", help="CT, MR, T2, ... (default: told by dataset.json or by the values)")
    parser.add_argument("--fine-tune", metavar="MODEL", type=model_folder,
                        help="start from the plans and weights of this folder, or of the 'bundled' one")  # fmt: skip
    parser.add_argument("--no-mirroring", action="store_true", help="never mirror images (default: where names allow)")
    parser.add_argument("--memory", type=float, metavar="GB", help="of the graphics card to plan for (8; on a CPU 1)")
    parser.add_argument("--features", type=int, help="of the finest level (default: 32; on a CPU 16)")
    parser.add_argument("--stages", type=int, choices=(1, 2), help="one network or a cascade (default: by the data)")
    parser.add_argument("--spacing", type=three_numbers, metavar="K,J,I", help="mm, instead of the median of the data")
    parser.add_argument("--window", type=three_sizes, metavar="K,J,I", help="voxels, instead of what fits the memory")


def add_loop_options(parser: argparse.ArgumentParser) -> None:
    """How long and how to train."""
    parser.add_argument(
        "--minutes", type=float, metavar="M",
        help="computing time of each network and fold, over all resumptions (default: 60, or what --steps take)",
    )  # fmt: skip
    parser.add_argument("--steps", type=int, help="stop after so many steps, or after --minutes if these end sooner")
    parser.add_argument("--batch", type=int, help="examples per step (default: as planned)")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="at the start (default: %(default)s)")
    parser.add_argument("--device", default="auto", metavar="|".join(DEVICES), help="(default: %(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="numbers used by the network")
    parser.add_argument("--threads", type=int, help="computing threads (default: as torch decides)")
    parser.add_argument("--tensorboard", action="store_true", help="write the curves for TensorBoard too")


def run_command(args: argparse.Namespace) -> int:
    """Runs it; returns the exit code 0, or raises a `BoneSegLib.errors.BoneSegError`."""
    if not sys.stderr.isatty():  # a terminal has a progress bar instead
        logging.basicConfig(format="%(message)s", stream=sys.stderr)
        logging.getLogger("BoneSegLib").setLevel(logging.INFO)
    from BoneSegLib.inference.out_of_memory import memory_errors_told

    if args.stage is not None or args.export is not None or any(args.data.glob("synth_*_labels.npy")):
        from BoneSegLib.training.commands.train_bones import train_bones

        with memory_errors_told(remedy=LESS_MEMORY):
            done = train_bones(args)
    else:
        from BoneSegLib.training.commands.train_own import train_own

        try:
            with memory_errors_told(remedy=LESS_MEMORY):
                done = train_own(args)
        except KeyboardInterrupt as error:
            raise Cancelled("Stopped. The training is kept.", remedy="The same command goes on.") from error
    if args.json:
        sys.stdout.write(json.dumps(done) + "\n")
    else:
        sys.stdout.writelines(f"{key}:{_told(value)}\n" for key, value in done.items())
    return 0


def _told(value: object) -> str:
    """Plain data for people, after a colon: a table of tables goes to lines of their own."""
    if isinstance(value, dict):
        lines = [f"\n  {key}:{_told(each)}" for key, each in value.items() if isinstance(each, dict)]
        return "".join(lines) or " " + "; ".join(f"{key}{_told(each)}" for key, each in value.items())
    return " " + (", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))
