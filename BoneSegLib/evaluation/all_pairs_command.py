"""`boneseg compare A B C --all-pairs`: how well several segmentations of one image agree."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from BoneSegLib.errors import UsageError
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.raters import compare_all_pairs
from BoneSegLib.label_options import rules_from_words


def run_all_pairs(args: argparse.Namespace, options: CompareOptions) -> int:
    """Run it with the arguments of ``boneseg compare``; returns the exit code 0."""
    from BoneSegLib.headless.read import read_labelmap

    if args.image is not None:
        raise UsageError("--image is for two segmentations.", remedy="Leave it out with --all-pairs.")
    paths = (args.reference, args.test, *args.more)
    names = rater_names(paths)
    warnings: list[str] = []
    rules = [rules_from_words(args.reference_labels), *[rules_from_words(args.test_labels)] * (len(paths) - 1)]
    segmentations = {
        name: read_labelmap(path, rules=rule, warn=warnings.append)
        for name, path, rule in zip(names, paths, rules, strict=True)
    }

    def progress(fraction: float, message: str) -> None:
        sys.stderr.write(message + "\n")

    found = compare_all_pairs(segmentations, options=options, progress=progress)
    if args.output is not None:
        found.to_csv(args.output)
        sys.stderr.write(f"Table: {args.output}\n")
    if args.report is not None:
        from BoneSegLib.evaluation.raters_report import write_raters_report

        write_raters_report(args.report, found)
        sys.stderr.write(f"Report: {args.report}\n")
    sys.stderr.writelines(warning + "\n" for warning in warnings)
    if args.json:
        outcome = {
            "output": None if args.output is None else str(args.output),
            "report": None if args.report is None else str(args.report),
            **found.to_json(),
        }
        sys.stdout.write(json.dumps(outcome, allow_nan=False) + "\n")
    else:
        sys.stdout.write(found.to_text() + "\n")
    return 0


def rater_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """What the files are called: their names, with so many folders before them that no two are alike.

    Raises `UsageError` for a file that is given twice.
    """
    if len({path.resolve() for path in paths}) < len(paths):
        raise UsageError("A segmentation is given twice.", remedy="Give each once.")
    for depth in range(1, max(len(path.resolve().parts) for path in paths) + 1):
        names = tuple("/".join(path.resolve().parts[-depth:]) for path in paths)
        if len(set(names)) == len(names):
            break
    return names
