"""`boneseg agreement`: the comparisons of many cases together."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.agreement import BlandAltman, Distribution
from BoneSegLib.evaluation.cohort import Cohort
from BoneSegLib.evaluation.definitions import BY_COLUMN
from BoneSegLib.evaluation.raters import METRICS
from BoneSegLib.evaluation.result import NUMBERS
from BoneSegLib.evaluation.tables import aligned, format_number, write_csv
from BoneSegLib.words import counted

Limits = dict[str, BlandAltman | None]
"""Agreement of volumes per structure, and of ``all`` together; ``None`` where there are too few pairs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg agreement``."""
    parser.description = (
        "Agreement over many cases, from the tables that boneseg compare (one case each, called as its file) or "
        "boneseg batch wrote: how each metric spreads per bone, and Bland-Altman limits of agreement of the volumes."
    )
    parser.add_argument(
        "tables",
        metavar="TABLE.csv|FOLDER",
        nargs="+",
        type=Path,
        help="tables; of a folder its comparison.csv (as batch writes it), or else all tables in it",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE.csv",
        type=Path,
        help="write all rows in one table, a row for each case and structure, for statistics packages",
    )
    parser.add_argument(
        "--summary", metavar="FILE.csv", type=Path, help="write mean, deviation and quartiles of each metric per bone"
    )
    parser.add_argument(
        "--volumes", metavar="FILE.csv", type=Path, help="write bias and limits of agreement of the volumes per bone"
    )
    parser.add_argument("--report", metavar="FILE.html", type=Path, help="write a report with charts, in one file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run_command(args: argparse.Namespace) -> int:
    """Run it; returns the exit code 0, or raises a `BoneSegLib.errors.BoneSegError` with another."""
    from BoneSegLib.headless.atomic import check_writable

    for path in (args.output, args.summary, args.volumes, args.report):
        if path is not None:
            check_writable(path)
    cohort = Cohort.read(find_tables(args.tables))
    if not cohort.rows:
        raise InputError("The tables hold no structure.", remedy="Give tables of comparisons that found something.")
    spread = [each for metric in NUMBERS for each in cohort.distributions(metric)]
    volumes: Limits = {name: cohort.volume_agreement(name) for name in cohort.structures}
    volumes["all"] = cohort.volume_agreement()
    if args.output is not None:
        cohort.to_csv(args.output)
    if args.summary is not None:
        columns = [field.name for field in fields(Distribution)]
        write_csv(args.summary, columns, [asdict(each) for each in spread])
    if args.volumes is not None:
        found = {name: each.values() for name, each in volumes.items() if each is not None}
        columns = list(next(iter(found.values()), {}))
        write_csv(args.volumes, ("structure", *columns), [{"structure": name, **row} for name, row in found.items()])
    if args.report is not None:
        from BoneSegLib.evaluation.cohort_report import write_cohort_report

        write_cohort_report(args.report, cohort)
    for title, path in (
        *(("Table", args.output), ("Summary", args.summary)),
        *(("Volumes", args.volumes), ("Report", args.report)),
    ):
        if path is not None:
            sys.stderr.write(f"{title}: {path}\n")
    if args.json:
        sys.stdout.write(json.dumps(_plain(cohort, spread, volumes), allow_nan=False) + "\n")
    else:
        sys.stdout.write(_text(cohort, volumes) + "\n")
    return 0


def find_tables(places: Iterable[Path]) -> list[Path]:
    """The files to read. Raises `InputError` for a place that is not there, and a folder without tables."""
    from BoneSegLib.headless.image_file import require_file

    found: list[Path] = []
    for place in places:
        if place.is_dir():
            cohort = place / "comparison.csv"
            if not cohort.is_file() and (place / "cases.csv").is_file():
                raise InputError(
                    f"The batch in '{place.name}' compared nothing.",
                    remedy="Run it with --references, or give folders of tables that `boneseg compare` wrote.",
                )
            inside = [cohort] if cohort.is_file() else sorted(place.glob("*.csv"))
            if not inside:
                raise InputError(
                    f"There are no tables in '{place.name}'.", remedy="Give the CSV files that `boneseg compare` wrote."
                )
            found += inside
        else:
            found.append(require_file(place))
    return found


def _plain(cohort: Cohort, spread: Sequence[Distribution], volumes: Limits) -> dict[str, Any]:
    return {
        "cases": list(cohort.cases),
        "structures": list(cohort.structures),
        "distributions": [_defined(asdict(each)) for each in spread],
        "volume_agreement_ml": {
            name: None if each is None else {**each.values(), "means": each.means, "differences": each.differences}
            for name, each in volumes.items()
        },
    }


def _defined(row: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}


def _text(cohort: Cohort, volumes: Limits) -> str:
    spread = {metric: {each.structure: each for each in cohort.distributions(metric)} for metric, _, _ in METRICS}
    titles = [f"{BY_COLUMN[metric].title} {BY_COLUMN[metric].unit}".strip() for metric, _, _ in METRICS]
    lines = [["median [quartiles]", "n", *titles]]
    for name in cohort.structures:
        cases = spread["dice"][name].n
        cells = [_quartiles(spread[metric][name], pattern, cases=cases) for metric, pattern, _ in METRICS]
        lines.append([_told(name), str(cases), *cells])
    limits = [["volume, ml", "n", "bias", "95 % limits of agreement"]]
    limits += [
        [_told(name), str(each.n), f"{each.bias:+.2f}", f"{each.lower:+.2f} to {each.upper:+.2f}"]
        for name, each in volumes.items()
        if each is not None
    ]
    note = "Volumes: test minus reference (Bland and Altman 1986); bones missing from a side are left out."
    if len(limits) == 1:
        limits, note = [], "Limits of agreement of volumes need a bone in two cases at least."
    return "\n".join([counted(len(cohort.cases), "case"), "", *aligned(lines), "", *aligned(limits), "", note])


def _told(structure: str) -> str:
    """The name for people."""
    return BY_ID[structure].name if structure in BY_ID else structure


def _quartiles(each: Distribution, pattern: str, *, cases: int) -> str:
    """Where the number is not defined in all ``cases``, with the number of those in which it is."""
    middle, low, high = (
        format_number(value, pattern) for value in (each.median, each.lower_quartile, each.upper_quartile)
    )
    return f"{middle} [{low}, {high}]" + (f" n={each.n}" if each.n != cases else "")
