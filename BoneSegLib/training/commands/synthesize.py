"""`boneseg synthesize`: anatomy maps in, synthetic CT out."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from BoneSegLib.errors import InputError, UsageError
from BoneSegLib.options import SYNTHESIS_DEVICES, check_device
from BoneSegLib.words import counted

CASE_SPACING = 1.5
"""mm; that of cases for the networks of the bundled model."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg synthesize``."""
    parser.description = (
        "Make synthetic CT with labels from whole-body label maps (values of TotalSegmentator's 'total' task). A case "
        "depends on the seed and its number alone: several processes can share the work with --first and --step, and "
        "an interrupted run goes on where it was."
    )
    parser.add_argument("maps", metavar="MAPS", type=Path, help="folder of label maps (.nii.gz)")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True, help="where the cases go")
    parser.add_argument("--count", type=int, default=100, help="how many cases (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other cases (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (default: %(default)s)")
    parser.add_argument("--step", type=int, default=1, help="make every STEP-th case only (default: %(default)s)")
    parser.add_argument("--exclude", default="", metavar="NAMES", help="maps to leave out, separated by commas")
    parser.add_argument("--shapes", type=Path, action="append", default=[], metavar="FOLDER",
                        help="folder of pelvic surfaces (NN_hip_left.vtp, NN_hip_right.vtp, NN_sacrum.vtp, points in "
                        "correspondence) whose shapes the maps take on, and, where it has them, of femurs "
                        "(NN_femur_left.vtp, NN_femur_right.vtp); or folder of one subject's lumbar vertebrae "
                        "(vertebra_L1.vtp to vertebra_L5.vtp); may be repeated")  # fmt: skip
    parser.add_argument("--bone-hu", type=Path, metavar="FOLDER",
                        help="folder with measured HU of the bones of some maps (NAME_hu_ge200.nrrd)")  # fmt: skip
    parser.add_argument(
        "--format",
        choices=("npy", "nnunet"),
        default="nnunet",
        help="nnunet: NIfTI in nnU-Net's raw layout, for any training; npy: arrays for the networks of the bundled "
        "model alone, 'boneseg train --stage' (default: %(default)s)",
    )
    parser.add_argument("--spacing", type=float, default=CASE_SPACING, metavar="MM",
                        help="edge of the cases' voxels, 0.5 to 6; not with --format npy. A case has at most "
                        "250 x 200 x 256 voxels: small ones show less of a patient (default: %(default)s)")  # fmt: skip
    parser.add_argument("--device", default="cpu", metavar="|".join(SYNTHESIS_DEVICES),
                        help="where the deformation and the streaks are computed; cases made on a graphics card are "
                        "those of the CPU but for rounding (default: %(default)s)")  # fmt: skip
    parser.add_argument("--threads", type=int, default=1, help="computing threads (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object with the names of the cases")


def run_command(args: argparse.Namespace) -> int:
    """Run it; returns the exit code 0, or raises a `BoneSegLib.errors.BoneSegError`."""
    if min(args.count, args.step, args.threads) < 1 or min(args.first, args.seed) < 0:
        raise UsageError("--count, --step and --threads should be at least 1, --first and --seed at least 0.")
    if not 0.5 <= args.spacing <= 6:
        raise UsageError("--spacing should be 0.5 to 6 mm.")
    if args.format == "npy" and args.spacing != CASE_SPACING:
        raise UsageError(
            f"Cases of --format npy have voxels of {CASE_SPACING} mm.",
            cause="They are for the networks of the bundled model, which are trained on such.",
            remedy="Leave out --format npy, or --spacing.",
        )
    check_device(args.device, SYNTHESIS_DEVICES)
    maps = {path.name.split(".")[0] for path in args.maps.glob("*.nii.gz")}
    if not maps:
        raise InputError(
            f"There is no label map (.nii.gz) in '{args.maps.name}'.", remedy="Check how the folder is spelled."
        )
    excluded = tuple(name.strip().split(".")[0] for name in args.exclude.split(",") if name.strip())
    if unknown := sorted(set(excluded) - maps):
        sys.stderr.write(f"Note: there is no map to leave out that is called {', '.join(unknown)}.\n")
    if maps <= set(excluded):
        raise InputError("--exclude leaves no label map.", remedy="Leave fewer of them out.")
    for folder in (*args.shapes, *([args.bone_hu] if args.bone_hu else [])):
        if not folder.is_dir():
            raise InputError(f"There is no folder '{folder.name}'.", remedy="Check --shapes and --bone-hu.")

    import torch

    from BoneSegLib.training import synthesize
    from BoneSegLib.training.synthesis.generator import SynthesisOptions

    torch.set_num_threads(args.threads)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    names = synthesize.run(args.maps, args.output, count=args.count, first=args.first, step=args.step, seed=args.seed,
                           exclude=excluded, file_format=args.format, shapes=args.shapes,
                           bone_hu=args.bone_hu, device=args.device,
                           options=SynthesisOptions(spacing=args.spacing))  # fmt: skip
    if args.json:
        sys.stdout.write(json.dumps({"output": str(args.output), "cases": names}) + "\n")
    else:
        sys.stdout.write(f"{counted(len(names), 'case')} in {args.output}\n")
    return 0
