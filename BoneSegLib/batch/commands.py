"""`boneseg batch`: many images in, their bones, numbers and a report of the cohort out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BoneSegLib.commands.segment import add_mesh_options, add_options, options_from
from BoneSegLib.label_options import add_label_options, rules_from_words

if TYPE_CHECKING:
    from BoneSegLib.batch.cases import Listing
    from BoneSegLib.batch.folder import OutputFolder
    from BoneSegLib.batch.job import Job
    from BoneSegLib.batch.progress import BatchProgress
    from BoneSegLib.batch.state import Batch

FORMATS = ("seg.nrrd", "nii.gz", "nrrd", "dcm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg batch``."""
    parser.description = (
        "Segment many CTs with the model loaded once; write statistics of all cases, a comparison where there are "
        "references, and a report of the cohort. Not for clinical use."
    )
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="files, folders, patterns ('data/*/ct.nii.gz'), DICOM folders, or a CSV with case, image, reference",
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True, help="where everything goes")
    parser.add_argument("--resume", action="store_true", help="go on: leave out the cases whose output is there")
    parser.add_argument("--dry-run", action="store_true", help="list the cases and what is left out; write nothing")
    parser.add_argument("--references", metavar="FOLDER", type=Path, help="segmentations to compare with, named alike")
    add_label_options(parser, "reference")
    parser.add_argument("--tolerance", metavar="MM", type=float, default=2.0, help="of NSD (default: %(default)s mm)")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="of the outputs (default: %(default)s)")
    parser.add_argument("--all-series", action="store_true", help="every CT volume of a DICOM study, not only the best")
    add_mesh_options(parser)
    parser.add_argument("--scheduler", metavar="ADDRESS|local", help="do the cases on the workers of a Dask cluster")
    parser.add_argument("--workers", metavar="N", type=int, help="with --scheduler local: processes on this computer")
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object that tells what was done")


def run_command(args: argparse.Namespace) -> int:
    """Runs it; returns 0, or 1 when some cases failed. Raises a `BoneSegError` for everything else."""
    from BoneSegLib.batch.discover import find_cases

    # Wrong usage is told before a large tree is searched.
    options_from(args)
    rules_from_words(args.reference_labels)
    listing = find_cases(args.inputs, output=args.output, references=args.references, all_series=args.all_series)
    if args.dry_run:
        from BoneSegLib.batch.listing import listing_json, listing_text

        sys.stdout.write(json.dumps(listing_json(listing)) + "\n" if args.json else listing_text(listing))
        return 0
    _tell(listing)
    started = time.monotonic()
    job = _job(args, listing)
    batch = _run(args, listing, job)
    outcome = _outcome(job.folder, batch, time.monotonic() - started)
    if args.json:
        sys.stdout.write(json.dumps(outcome, default=float) + "\n")
    else:
        from BoneSegLib.batch.listing import outcome_text

        sys.stdout.write(outcome_text(outcome))
    return 1 if outcome["failed"] else 0


def _tell(listing: Listing) -> None:
    sys.stderr.writelines(f"Note: {note}\n" for note in listing.notes)
    if listing.left_out:
        sys.stderr.write(f"Note: {len(listing.left_out)} series or files are left out; --dry-run tells why.\n")


def _job(args: argparse.Namespace, listing: Listing) -> Job:
    """Checks what would make every case fail, before the first one."""
    from BoneSegLib.batch.folder import OutputFolder
    from BoneSegLib.batch.job import Plan, open_job

    if args.format == "dcm":
        from BoneSegLib.dicom_seg.packages import require

        require("highdicom")
    folder = OutputFolder(args.output, "." + args.format)
    folder.require_apart_from(listing.cases)
    return open_job(
        Plan(
            folder=folder,
            options=options_from(args),
            tolerance_mm=args.tolerance,
            reference_labels=rules_from_words(args.reference_labels),
            adopt=args.resume,
            meshes=args.meshes,
            mesh_format=args.mesh_format,
        )
    )


def _run(args: argparse.Namespace, listing: Listing, job: Job) -> Batch:
    from BoneSegLib.batch.interrupt import stop_requests
    from BoneSegLib.batch.progress import BatchProgress
    from BoneSegLib.batch.settings import settings_of
    from BoneSegLib.batch.state import Batch
    from BoneSegLib.errors import Cancelled

    job.folder.prepare()
    job.folder.keep_settings(settings_of(job), resume=args.resume)
    removed = job.folder.remove_half_written()
    if removed:
        sys.stderr.write(f"Removed {removed} half-written files of an earlier run.\n")
    batch = Batch(listing.cases, job, resume=args.resume)
    if batch.redone:
        sys.stderr.write(
            f"Note: {batch.redone} of {len(listing.cases)} cases are done already, and are done again: their results "
            "are replaced. --resume keeps them.\n"
        )
    if batch.kept:
        sys.stderr.write(f"{len(batch.kept)} of {len(listing.cases)} cases are done already.\n")
    progress = BatchProgress(len(batch.pending))
    with stop_requests() as is_cancelled:
        try:
            _go_through(args, batch, progress, is_cancelled)
        except (Cancelled, KeyboardInterrupt) as error:
            progress.stops()
            _outcome(job.folder, batch, 0.0)
            raise Cancelled("Cancelled. The finished cases are kept.", remedy="Go on with --resume.") from error
    return batch


def _go_through(
    args: argparse.Namespace, batch: Batch, progress: BatchProgress, is_cancelled: Callable[[], bool]
) -> None:
    scheduler = args.scheduler or ("local" if args.workers else None)
    if scheduler is None:
        from BoneSegLib.batch.runner import run_here

        run_here(batch, progress=progress, is_cancelled=is_cancelled)
    else:
        from BoneSegLib.batch.cluster import run_on_cluster

        run_on_cluster(batch, scheduler, workers=args.workers, progress=progress, is_cancelled=is_cancelled)


def _outcome(folder: OutputFolder, batch: Batch, seconds: float) -> dict[str, Any]:
    """Writes the tables and the report of what is done; tells where they are and how many cases went well."""
    from BoneSegLib.batch.record import DONE, FAILED
    from BoneSegLib.batch.report import write_cohort_report
    from BoneSegLib.batch.tables import write_comparison, write_statistics

    rows = batch.rows
    names = [str(row["case"]) for row in rows]
    statistics = write_statistics(folder, names)
    comparison = write_comparison(folder, names)
    report = write_cohort_report(folder, rows)
    count = {status: sum(row["status"] == status for row in rows) for status in (DONE, FAILED)}
    return {
        "folder": str(folder.root),
        "done": count[DONE],
        "failed": count[FAILED],
        "kept": len(batch.kept),
        "seconds": round(seconds, 2),
        "statistics": str(statistics) if statistics else None,
        "comparison": str(comparison) if comparison else None,
        "report": str(report),
        "cases": rows,
    }
