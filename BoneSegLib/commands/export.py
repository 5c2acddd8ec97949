"""`boneseg export`: a segmentation into another file format, DICOM and meshes among them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from BoneSegLib.commands.segment import add_mesh_options, add_series_options
from BoneSegLib.errors import InputError, UsageError

if TYPE_CHECKING:
    from BoneSegLib.headless.dicom_series import Series
    from BoneSegLib.volume import Geometry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg export``."""
    parser.description = (
        "Write a segmentation in another format: .seg.nrrd, a label map, a DICOM segmentation, meshes of the bones. "
        "Not for clinical use."
    )
    parser.add_argument(
        "segmentation", metavar="SEGMENTATION", type=Path, help=".seg.nrrd, DICOM segmentation, label map"
    )
    parser.add_argument("-o", "--output", metavar="OUTPUT", type=Path, help=".seg.nrrd, .nii.gz, .nrrd, .mha or .dcm")
    add_series_options(parser)
    add_mesh_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object that tells what was done")


def run_command(args: argparse.Namespace) -> int:
    """Runs it; returns 0, or raises a `BoneSegLib.errors.BoneSegError` with another exit code."""
    from BoneSegLib.headless.read import find_series, read_segmentation
    from BoneSegLib.headless.write import check_writable, write_segmentation
    from BoneSegLib.meshes.write import write_meshes

    if not (args.output or args.meshes):
        raise UsageError("Nothing was asked for.", remedy="Name a file with -o, or a folder with --meshes.")
    series = find_series(args.dicom, series=args.series) if args.dicom else None
    files = series.files if series else ()
    if args.output:
        check_writable(args.output, dicom=files, meshes=True)
    notes: list[str] = []
    node = read_segmentation(args.segmentation, warn=notes.append)
    if args.output:
        write_segmentation(node, args.output, reference=_grid(series), dicom=files, warn=notes.append)
    meshes = write_meshes(_labels(node), args.meshes, args.mesh_format) if args.meshes else ()
    sys.stderr.writelines(f"Note: {note}\n" for note in notes)
    written = [str(path) for path in (args.output, *meshes) if path]
    if args.json:
        sys.stdout.write(json.dumps({"input": args.segmentation.name, "written": written, "notes": notes}) + "\n")
    else:
        sys.stdout.write("Written: " + ", ".join(written) + "\n")
    return 0


def _grid(series: Series | None) -> Geometry | None:
    """The grid of the images that a DICOM segmentation belongs to."""
    from BoneSegLib.headless.dicom_read import read_series

    return read_series(series, warn=lambda _: None).geometry if series else None


def _labels(node):
    from BoneSegLib.scene.labels import labelmap_from_segmentation, structures_of

    structures = structures_of(node)
    if not structures:
        raise InputError("The segmentation holds no segments.", remedy="Give one with bones.")
    return labelmap_from_segmentation(node, structures=structures)
