"""`boneseg compare`: two files in, a table out; or several files, each compared with each."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from BoneSegLib.anatomy import select_structures
from BoneSegLib.errors import UsageError
from BoneSegLib.evaluation.options import SURFACES, CompareOptions
from BoneSegLib.label_options import add_label_options, rules_from_words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg compare``."""
    parser.description = (
        "Compare a segmentation with a reference, bone by bone: overlap, surface distances, volumes. Either side may "
        "be a .seg.nrrd or a label map (.nii.gz, .nrrd, .mha) on any grid; the numbers are of the reference's grid."
    )
    parser.add_argument("reference", metavar="REFERENCE", type=Path, help="what counts as true")
    parser.add_argument("test", metavar="TEST", type=Path, help="what is judged")
    parser.add_argument(
        "more", metavar="MORE", nargs="*", default=[], type=Path, help="further segmentations, with --all-pairs"
    )
    parser.add_argument(
        "--all-pairs",
        action="store_true",
        help="compare each with each (several raters of one case); the earlier one of a pair is the reference",
    )
    parser.add_argument("-o", "--output", metavar="FILE.csv", type=Path, help="write the table, at full precision")
    parser.add_argument(
        "--tolerance",
        metavar="MM",
        type=float,
        default=2.0,
        help="distance up to which surfaces count as the same in NSD (default: %(default)s mm)",
    )
    parser.add_argument(
        "--surface",
        choices=SURFACES,
        default="surfel",
        help="surface elements weighted by area, or centres of boundary voxels (default: %(default)s)",
    )
    add_label_options(parser, "reference", "test")
    parser.add_argument("--structures", metavar="IDS", help="only these, separated by commas (default: all ten bones)")
    parser.add_argument("--mask", metavar="FILE", type=Path, help="compare only where this label map is not 0")
    parser.add_argument("--report", metavar="FILE.html", type=Path, help="write a report with pictures, in one file")
    parser.add_argument("--image", metavar="FILE", type=Path, help="the CT behind the report's contours")
    parser.add_argument("--json", action="store_true", help="print one JSON object with numbers and definitions")


def run_command(args: argparse.Namespace) -> int:
    """Run it; returns the exit code 0, or raises a `BoneSegLib.errors.BoneSegError` with another."""
    structures = None if args.structures is None else tuple(args.structures.split(","))
    options = CompareOptions(tolerance_mm=args.tolerance, surface=args.surface, structures=structures)
    select_structures(structures)  # a misspelt name is told before the files are read
    _check_outputs(args)
    if args.more and not args.all_pairs:
        raise UsageError(f"There are {2 + len(args.more)} segmentations.", remedy="Give two, or use --all-pairs.")
    if args.mask is not None:
        options = replace(options, mask=_read_mask(args.mask))
    if args.all_pairs:
        from BoneSegLib.evaluation.all_pairs_command import run_all_pairs

        return run_all_pairs(args, options)
    return _run_pair(args, options)


def _run_pair(args: argparse.Namespace, options: CompareOptions) -> int:
    from BoneSegLib.evaluation.compare import compare_labelmaps
    from BoneSegLib.headless.read import read_labelmap, read_volume

    warnings: list[str] = []
    reference = read_labelmap(args.reference, rules=rules_from_words(args.reference_labels), warn=warnings.append)
    test = read_labelmap(args.test, rules=rules_from_words(args.test_labels), warn=warnings.append)
    image = None if args.image is None else read_volume(args.image, warn=warnings.append)
    comparison = compare_labelmaps(reference, test, options=options)
    comparison = replace(comparison, remarks=(*warnings, *comparison.remarks))
    if args.output is not None:
        comparison.to_csv(args.output)
        sys.stderr.write(f"Table: {args.output}\n")
    if args.report is not None:
        from BoneSegLib.evaluation.report import write_report

        titles = args.reference.name, args.test.name
        for note in write_report(args.report, comparison, reference, test, image=image, titles=titles):
            sys.stderr.write(note + "\n")
        sys.stderr.write(f"Report: {args.report}\n")
    if args.json:
        sys.stderr.writelines(remark + "\n" for remark in comparison.remarks)
        outcome = {
            "reference": args.reference.name,
            "test": args.test.name,
            "output": None if args.output is None else str(args.output),
            "report": None if args.report is None else str(args.report),
            **comparison.to_json(),
        }
        sys.stdout.write(json.dumps(outcome, allow_nan=False) + "\n")
    else:
        sys.stdout.write(comparison.to_text() + "\n")
    return 0


def _check_outputs(args: argparse.Namespace) -> None:
    """Fail before the work, not after it."""
    from BoneSegLib.headless.atomic import check_writable

    for path in (args.output, args.report):
        if path is not None:
            check_writable(path)


def _read_mask(path: Path):
    """A mask as a label map; its values have no meaning but 0 and not 0."""
    from BoneSegLib.headless.read import SEGMENTATION_SUFFIXES, read_labelmap, read_volume
    from BoneSegLib.volume import LabelMap

    if path.name.lower().endswith(SEGMENTATION_SUFFIXES):
        return read_labelmap(path)
    volume = read_volume(path)
    return LabelMap((volume.array != 0).astype("uint8"), volume.geometry)
