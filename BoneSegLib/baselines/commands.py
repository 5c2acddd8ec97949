"""`boneseg grow-from-seeds`: the classical way, from given seeds or from a network's."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

from BoneSegLib.baselines.grow_from_seeds import GrowOptions
from BoneSegLib.errors import UsageError
from BoneSegLib.label_options import add_label_options, rules_from_words
from BoneSegLib.options import SegmentOptions
from BoneSegLib.volume import LabelMap, Volume

SCORES = ("hausdorff95_mm", "assd_mm", "nsd")
_OUTSIDE = 0.1
"""Seeds of which a larger share lies outside of the image may be another patient's."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg grow-from-seeds``."""
    parser.description = (
        "Segment bones with Slicer's grow from seeds. Without --seeds they come from the network: the core of each "
        "bone that it found, and a shell of background around them. With --reference, both are compared with it."
    )
    parser.add_argument("input", metavar="INPUT", type=Path, help="NIfTI, NRRD, MHA or a DICOM folder")
    parser.add_argument("-o", "--output", metavar="OUTPUT", type=Path, required=True, help=".seg.nrrd or a label map")
    parser.add_argument(
        "--seeds", metavar="FILE", type=Path, help='seeds: .seg.nrrd (with a segment "Background") or a label map'
    )
    parser.add_argument("--margin", type=float, default=0.2, help="region beyond the seeds (default: %(default)s)")
    parser.add_argument("--locality", type=float, default=0.0, help="seed locality (default: %(default)s)")
    parser.add_argument(
        "--reference", metavar="FILE", type=Path, help="compare the result (and the network's) with this segmentation"
    )
    add_label_options(parser, "seed", "reference")
    parser.add_argument("--comparison", metavar="FILE.csv", type=Path, help="write that comparison")
    from BoneSegLib.commands.segment import add_options

    add_options(parser)
    parser.set_defaults(quality="fast")
    parser.add_argument("--series", metavar="UID", help="which DICOM series, where a folder holds several")
    parser.add_argument("--json", action="store_true", help="print one JSON object that tells what was done")


@dataclass(frozen=True, eq=False)
class _Run:
    """What grew, from which seeds, and what the network had found (``None`` with given seeds)."""

    grown: LabelMap
    network: LabelMap | None


def run_command(args: argparse.Namespace) -> int:
    """Runs it; returns 0, or raises a `BoneSegLib.errors.BoneSegError` with another exit code."""
    from BoneSegLib.commands.segment import options_from
    from BoneSegLib.headless import atomic, write
    from BoneSegLib.headless.read import read_labelmap, read_volume

    if args.comparison and not args.reference:
        raise UsageError("A comparison needs something to compare with.", remedy="Name it with --reference.")
    options = options_from(args)
    write.check_writable(args.output)
    if args.comparison:
        atomic.check_writable(args.comparison, (".csv",))
    volume = read_volume(args.input, series=args.series, force=args.force)
    reference = read_labelmap(args.reference, rules=rules_from_words(args.reference_labels)) if args.reference else None
    run = _grow(volume, args, options)
    _write(run.grown, args.output)
    rows = _compare(run, reference, args.comparison) if reference else []
    outcome = {"input": args.input.name, "output": str(args.output), "info": run.grown.info, "comparison": rows}
    if args.json:
        sys.stdout.write(json.dumps(outcome, default=str) + "\n")
    else:
        sys.stdout.write(_summary(outcome) + "\n")
    return 0


def _grow(volume: Volume, args: argparse.Namespace, options: SegmentOptions) -> _Run:
    from BoneSegLib.baselines.grow_from_seeds import grow_from_seeds
    from BoneSegLib.baselines.seed_files import read_seeds
    from BoneSegLib.baselines.seeds import add_background, seeds_from_labels
    from BoneSegLib.commands.progress import TerminalProgress

    network = None
    if args.seeds:
        given = read_seeds(args.seeds, volume.geometry, rules=rules_from_words(args.seed_labels))
        seeds = add_background(given, volume)
        sys.stderr.writelines(f"Note: {note}\n" for note in _doubts(given))
    else:
        from BoneSegLib.inference.engine import segment

        network = segment(volume, options, progress=TerminalProgress())
        if not network.array.any():
            sys.stderr.write("Note: the network found none of the bones, so nothing grows.\n")
            return _Run(LabelMap(network.array, volume.geometry, network.structures, {"seconds": 0.0}), network)
        seeds = seeds_from_labels(network)
    grow = GrowOptions(margin=args.margin, locality=args.locality, shortcut=network is not None)
    return _Run(grow_from_seeds(volume, seeds, options=grow, progress=TerminalProgress()), network)


def _doubts(seeds: LabelMap) -> list[str]:
    """What may make seeds grow where they should not."""
    from BoneSegLib.baselines.seeds import BACKGROUND

    doubts, outside = [], float(str(seeds.info["seeds_outside"]))
    if outside > _OUTSIDE:
        doubts.append(f"{outside:.0%} of the seeds lie outside of the image: are they of this patient?")
    if not (seeds.array == BACKGROUND).any():
        doubts.append(
            "the seeds have no background, so soft tissue, fat and air away from them are taken for it. Bones grow "
            'less into muscle that is seeded: as a segment "Background", or as another value of a label map.'
        )
    return doubts


def _write(labels: LabelMap, path: Path) -> None:
    from BoneSegLib.headless.write import SEGMENTATION_SUFFIXES, write_labelmap, write_segmentation

    if path.name.lower().endswith(SEGMENTATION_SUFFIXES):
        from BoneSegLib.headless import ensure_runtime

        ensure_runtime()
        from BoneSegLib.scene.write import write_labels

        write_segmentation(write_labels(labels, name="Grown from seeds"), path, reference=labels.geometry)
    else:
        write_labelmap(labels, path)


def _compare(run: _Run, reference: LabelMap, path: Path | None) -> list[dict[str, object]]:
    """A row per method and structure; to ``path`` too."""
    from BoneSegLib.evaluation.compare import compare_labelmaps
    from BoneSegLib.evaluation.result import COLUMNS
    from BoneSegLib.evaluation.tables import write_csv

    methods = {"network": run.network, "grow from seeds": run.grown}
    rows: list[dict[str, object]] = []
    for method, labels in methods.items():
        if labels is not None:
            rows += [{"method": method, **row.values()} for row in compare_labelmaps(reference, labels).rows]
    if path is not None:
        write_csv(path, ("method", *COLUMNS), rows)
    return [{name: _finite(value) for name, value in row.items()} for row in rows]


def _finite(value: object) -> object:
    """``None`` for what JSON cannot say."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _summary(outcome: dict) -> str:
    lines = [
        f"{row['method']:>16}: mean Dice {row['dice'] or 0:.4f}, "
        + ", ".join(f"{name} {row[name]:.3f}" for name in SCORES if row[name] is not None)
        for row in outcome["comparison"]
        if row["structure"] == "mean"
    ]
    lines.append(f"{outcome['output']}: grown in {outcome['info']['seconds']:.1f} s. Not for clinical use.")
    return "\n".join(lines)
