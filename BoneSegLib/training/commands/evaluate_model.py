"""`boneseg evaluate-model`: a model in, tables of what it is worth out."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from BoneSegLib.errors import UsageError
from BoneSegLib.models.named import model_folder
from BoneSegLib.options import DEVICES, PRECISIONS, QUALITIES, SegmentOptions
from BoneSegLib.training.commands.parse import numbers

KINDS = ("noise", "slices", "field", "rotation")
"""Distortions whose levels can be chosen."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg evaluate-model``."""
    parser.description = (
        "Judge a model: Dice, HD95 and ASSD per structure and case where there are references; false positives on "
        "images that show none of its structures; plausibility where there are no labels; and, if asked for, what each "
        "step of post-processing does and how noise, thick slices, a smaller field of view, rotation and a mirror hurt."
    )
    parser.add_argument("model", metavar="MODEL", type=model_folder, help="a model folder, or 'bundled'")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True, help="where the tables go")
    parser.add_argument("--cases", metavar="DIR", nargs="+", type=Path, default=[],
                        help="images with references, laid out as for 'boneseg train'")  # fmt: skip
    parser.add_argument("--labels", nargs="+", default=(), metavar="NAME=VALUES",
                        help="what the references' values mean, or 'totalsegmentator' (default: a folder's own "
                        "labels.json, else the model's names and values)")  # fmt: skip
    parser.add_argument("--negatives", metavar="PATH", nargs="+", type=Path, default=[],
                        help="images, or folders of them, that show none of the structures")  # fmt: skip
    parser.add_argument("--unlabelled", metavar="PATH", nargs="+", type=Path, default=[],
                        help="images, or folders of them, that nobody labelled")  # fmt: skip
    parser.add_argument("--postprocessing", action="store_true", help="the Dice after each step of post-processing")
    parser.add_argument("--robustness", metavar="KINDS",
                        help="'all', or some of noise,slices,field,rotation,mirror: Dice against each")  # fmt: skip
    parser.add_argument("--robustness-cases", metavar="NAMES", default="",
                        help="only these cases are distorted, separated by commas (default: all)")  # fmt: skip
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=numbers, metavar="LEVELS", help=f"levels of {kind} instead of the usual")
    parser.add_argument("--tolerance", metavar="MM", type=float, default=2.0, help="of NSD (default: %(default)s mm)")
    parser.add_argument("--quality", choices=QUALITIES, default="full", help="(default: %(default)s)")
    parser.add_argument("--device", default="auto", metavar="|".join(DEVICES), help="(default: %(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="numbers used by the network")
    parser.add_argument("--no-second-look", action="store_true", help="the image shown once to the first network")
    parser.add_argument("--no-discs", action="store_true", help="vertebrae as the network names them")
    parser.add_argument("--keep-unnamed", action="store_true", help="judge with bones that nobody named first")
    parser.add_argument("--keep-lifted", action="store_true", help="judge with femurs above the sacrum's middle")
    parser.add_argument("--drafts", metavar="N", type=int, help="of the finer network (default: by the quality)")
    parser.add_argument("--no-refine", action="store_true", help="edges as the network has them")
    parser.add_argument("--keep-islands", action="store_true", help="judge with stray islands")
    parser.add_argument("--keep-holes", action="store_true", help="judge with enclosed holes")
    parser.add_argument("--no-postprocessing", action="store_true", help="judge what the networks say, not cleaned")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")


def run_command(args: argparse.Namespace) -> int:
    """Runs it; returns the exit code 0, or raises a `BoneSegLib.errors.BoneSegError`."""
    if not (args.cases or args.negatives or args.unlabelled):
        raise UsageError("There is nothing to judge by.", remedy="Give --cases, --negatives or --unlabelled.")
    levels = _levels(args)
    if not args.cases and (levels or args.postprocessing):
        raise UsageError("Robustness and post-processing are measured against references.", remedy="Give --cases.")

    from BoneSegLib.headless.atomic import check_writable
    from BoneSegLib.training.assessment.assess import AssessOptions, assess
    from BoneSegLib.training.assessment.page import write_assessment

    check_writable(args.output / "summary.json")
    options = AssessOptions(
        segment=SegmentOptions(
            model=args.model,
            quality=args.quality,
            device=args.device,
            precision=args.precision,
            second_look=not args.no_second_look,
            discs=not args.no_discs,
            drop_unnamed=not args.keep_unnamed,
            drop_lifted=not args.keep_lifted,
            drafts=args.drafts,
            refine=not args.no_refine,
            drop_islands=not (args.keep_islands or args.no_postprocessing),
            fill_holes=not (args.keep_holes or args.no_postprocessing),
        ),
        labels=tuple(args.labels),
        levels=levels,
        robustness_cases=tuple(name for name in args.robustness_cases.split(",") if name),
        cleaning=args.postprocessing,
        tolerance_mm=args.tolerance,
    )
    assessment = assess(
        options,
        cases=args.cases,
        negatives=args.negatives,
        unlabelled=args.unlabelled,
        tell=lambda message: sys.stderr.write(message + "\n"),
    )
    write_assessment(assessment, args.output)
    if args.json:
        sys.stdout.write(json.dumps(json.loads((args.output / "summary.json").read_text(encoding="utf-8"))) + "\n")
    else:
        sys.stdout.write((args.output / "report.md").read_text(encoding="utf-8"))
    sys.stderr.write(f"Tables: {args.output}\n")
    return 0


def _levels(args: argparse.Namespace) -> dict[str, tuple[float, ...]]:
    """Distortion -> levels."""
    if args.robustness is None:
        given = [kind for kind in (*KINDS, "robustness_cases") if getattr(args, kind)]
        if given:
            words = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise UsageError(f"{words}: of no effect without --robustness.", remedy="Add --robustness all.")
        return {}
    from BoneSegLib.training.assessment.distortions import DISTORTIONS

    asked = list(DISTORTIONS) if args.robustness == "all" else args.robustness.split(",")
    for kind in asked:
        if kind not in DISTORTIONS:
            raise UsageError(f"Unknown distortion '{kind}'.", remedy="Choose from: " + ", ".join(DISTORTIONS) + ".")
    return {kind: getattr(args, kind, None) or DISTORTIONS[kind].levels for kind in asked}
