"""`boneseg segment`: an image in, named bones out."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BoneSegLib.models.named import model_folder
from BoneSegLib.options import DEVICES, PRECISIONS, QUALITIES, SegmentOptions

if TYPE_CHECKING:
    from BoneSegLib.headless.dicom_series import Series
    from BoneSegLib.volume import Geometry, Volume


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say how to segment; other commands that segment have them too."""
    parser.add_argument(
        "--structures", metavar="IDS", help="only these, separated by commas: hip_left, pelvis, ... (default: all)"
    )
    parser.add_argument("--quality", choices=QUALITIES, default="full", help="(default: %(default)s)")
    parser.add_argument("--device", default="auto", metavar="|".join(DEVICES), help="(default: %(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="numbers used by the network")
    parser.add_argument("--model", metavar="DIR", type=model_folder, help="a model folder (default: the bundled model)")
    parser.add_argument("--folds", metavar="N,M|all", help="the folds of the model to average (default: all)")
    parser.add_argument("--tta", action="store_true", help="average over mirrored images where the model allows it")
    parser.add_argument("--roi", metavar="BOX", help="only here: R1,R2,A1,A2,S1,S2 in RAS mm")
    parser.add_argument(
        "--drafts",
        metavar="N",
        type=int,
        help="drafts that the finer network makes first and then mends, 0 to 3 (default: 3 in full, none in fast)",
    )
    parser.add_argument(
        "--refine",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="move the edges of bones to where the CT has them (default: yes)",
    )
    parser.add_argument(
        "--no-second-look",
        action="store_true",
        help="show the first network the image once, not mirrored as well",
    )
    parser.add_argument(
        "--no-discs",
        action="store_true",
        help="vertebrae as the network names them, though the CT shows discs elsewhere",
    )
    parser.add_argument(
        "--keep-unnamed",
        action="store_true",
        help="keep bones that the finer network finds though the first named next to nothing so",
    )
    parser.add_argument("--keep-lifted", action="store_true", help="keep femurs above the middle of the sacrum")
    parser.add_argument(
        "--keep-islands",
        action="store_true",
        help="keep pieces far smaller than a bone's largest or far from it, and bones of about 1 ml or less",
    )
    parser.add_argument("--keep-holes", action="store_true", help="keep holes that a bone encloses")
    parser.add_argument("--no-postprocessing", action="store_true", help="keep islands and holes")
    parser.add_argument("--force", action="store_true", help="go on despite a warning that needs an answer")


def add_mesh_options(parser: argparse.ArgumentParser) -> None:
    """The options for surfaces of the bones."""
    from BoneSegLib.meshes import FORMATS

    parser.add_argument("--meshes", metavar="FOLDER", type=Path, help="write the surface of each bone, closed, in mm")
    parser.add_argument("--mesh-format", choices=FORMATS, default=FORMATS[0], help="(default: %(default)s)")


def add_series_options(parser: argparse.ArgumentParser) -> None:
    """The options for the DICOM series that an output belongs to, where the input is none."""
    parser.add_argument(
        "--dicom", metavar="FOLDER", type=Path, help="the DICOM series that the image was made of: a .dcm belongs to it"
    )
    parser.add_argument("--series", metavar="UID", help="which DICOM series, where a folder holds several")


def options_from(args: argparse.Namespace) -> SegmentOptions:
    """The options of a parsed command line. Raises `UsageError`."""
    return SegmentOptions(
        structures=tuple(args.structures.split(",")) if args.structures is not None else None,
        quality=args.quality,
        device=args.device,
        precision=args.precision,
        model=args.model,
        folds=tuple(args.folds.split(",")) if args.folds is not None else None,
        mirroring=args.tta,
        roi=parse_roi(args.roi) if args.roi is not None else None,
        force=args.force,
        drafts=args.drafts,
        refine=args.refine,
        second_look=not args.no_second_look,
        discs=not args.no_discs,
        drop_unnamed=not args.keep_unnamed,
        drop_lifted=not args.keep_lifted,
        drop_islands=not (args.keep_islands or args.no_postprocessing),
        fill_holes=not (args.keep_holes or args.no_postprocessing),
    )


def parse_roi(text: str) -> tuple[float, ...]:
    """Six numbers, separated by commas. Raises `UsageError`."""
    from BoneSegLib.errors import UsageError

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"'{text}' is not a region.", remedy="Give R1,R2,A1,A2,S1,S2 in mm.") from error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg segment``."""
    parser.description = "Find the bones in a CT and write them as a segmentation or a label map. Not for clinical use."
    parser.add_argument("input", metavar="INPUT", type=Path, help="NIfTI, NRRD, MHA or a DICOM folder")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUTPUT",
        type=Path,
        required=True,
        help=".seg.nrrd (names, colours, codes), a label map (.nii.gz, .nrrd, .mha), or of a DICOM series .dcm",
    )
    add_options(parser)
    add_series_options(parser)
    parser.add_argument(
        "--statistics", metavar="FILE", type=Path, help=".csv or .json: volume, HU, shape, flags of each bone"
    )
    add_mesh_options(parser)
    parser.add_argument("--report", metavar="FILE.html", type=Path, help="write a page with pictures and numbers")
    parser.add_argument("--json", action="store_true", help="print one JSON object that tells what was done")


def run_command(args: argparse.Namespace) -> int:
    """Runs it; returns 0, or raises a `BoneSegLib.errors.BoneSegError` with another exit code."""
    options = options_from(args)
    series = _series(args)
    belongs_to = _series_of_output(args, series)
    _check_paths(args, belongs_to)
    warnings: list[str] = []
    volume, grid = _read(args, series, belongs_to, options, warnings)
    volume_node, segmentation_node = _segment(volume, options)
    outcome = _write(args, belongs_to, volume_node, segmentation_node, grid, warnings)
    outcome["warnings"] = [*warnings, *outcome["info"].get("notes", [])]
    for warning in outcome["warnings"]:
        sys.stderr.write(f"Note: {warning}\n")
    for title, place in (("Statistics", args.statistics), ("Meshes", args.meshes), ("Report", args.report)):
        if place:
            sys.stderr.write(f"{title}: {place}\n")
    if args.json:
        sys.stdout.write(json.dumps(outcome, default=str) + "\n")
    else:
        sys.stdout.write(_summary(outcome) + "\n")
    return 0


def _series(args: argparse.Namespace) -> Series | None:
    """The DICOM series that is asked for; ``None`` for an image file."""
    from BoneSegLib.errors import UsageError
    from BoneSegLib.headless.read import find_series

    series = find_series(args.input, series=None if args.dicom else args.series, force=args.force)
    if series is None and args.series and not args.dicom:
        raise UsageError("--series chooses among DICOM series, and the input is none.", remedy="Leave out --series.")
    return series


def _series_of_output(args: argparse.Namespace, series: Series | None) -> Series | None:
    """The DICOM series that the output belongs to: the input, or the one that an image file was made of."""
    from BoneSegLib.errors import InputError, UsageError
    from BoneSegLib.headless.read import find_series

    if not args.dicom:
        return series
    if series is not None:
        raise UsageError("The input is a DICOM series already.", remedy="Leave out --dicom.")
    found = find_series(args.dicom, series=args.series, force=args.force)
    if found is None:
        raise InputError(f"'{args.dicom.name}' is no DICOM series.", remedy="Give the folder of the series.")
    return found


def _check_paths(args: argparse.Namespace, series: Series | None) -> None:
    """Before the work rather than after it."""
    from BoneSegLib.errors import UsageError
    from BoneSegLib.headless import atomic, write

    write.check_writable(args.output, dicom=series.files if series else (), meshes=True)
    if args.output.exists() and args.input.exists() and args.output.samefile(args.input):
        raise UsageError("The output would replace the input.", remedy="Name another file for the output.")
    if args.statistics:
        atomic.check_writable(args.statistics, (".csv", ".json"))
    if args.meshes:
        atomic.check_writable(args.meshes / "mesh")
    if args.report:
        atomic.check_writable(args.report, (".html", ".htm"))


def _read(
    args: argparse.Namespace,
    series: Series | None,
    belongs_to: Series | None,
    options: SegmentOptions,
    warnings: list[str],
) -> tuple[Volume, Geometry]:
    """The image, and the grid for the output: that of the series that it belongs to, or the image's own."""
    from BoneSegLib.dicom_seg.source import require_same_place
    from BoneSegLib.headless.dicom_read import read_series
    from BoneSegLib.headless.read import read_volume
    from BoneSegLib.inference.loading import load_model

    load_model(options.model)  # a wrong model folder is told before the image is read
    if series is not None:
        volume = read_series(series, force=args.force, warn=warnings.append)
    else:
        volume = read_volume(args.input, force=args.force, warn=warnings.append)
    if series is belongs_to or belongs_to is None:
        return volume, volume.geometry
    grid = read_series(belongs_to, force=args.force, warn=warnings.append).geometry
    require_same_place(volume.geometry, grid)
    return volume, grid


def _segment(volume: Volume, options: SegmentOptions):
    from BoneSegLib.commands.progress import TerminalProgress
    from BoneSegLib.headless.runtime import ensure_runtime

    ensure_runtime()
    from BoneSegLib.scene.run import segment_node
    from BoneSegLib.scene.volume_node import add_volume_node

    volume_node = add_volume_node(volume)
    return volume_node, segment_node(volume_node, None, options, progress=TerminalProgress())


def _write(
    args: argparse.Namespace,
    series: Series | None,
    volume_node,
    segmentation_node,
    grid: Geometry,
    warnings: list[str],
) -> dict[str, Any]:
    from BoneSegLib.evaluation.tables import write_atomically
    from BoneSegLib.flags import noted_confidence, noted_flags
    from BoneSegLib.headless.write import write_segmentation
    from BoneSegLib.meshes.write import write_meshes
    from BoneSegLib.scene.labels import labelmap_from_segmentation, structures_of
    from BoneSegLib.scene.matrices import node_geometry
    from BoneSegLib.scene.statistics import compute_statistics, write_statistics_csv
    from BoneSegLib.scene.write import provenance

    info = provenance(segmentation_node)
    rows = compute_statistics(segmentation_node, volume_node)
    own, structures = node_geometry(volume_node), structures_of(segmentation_node)
    labels = replace(labelmap_from_segmentation(segmentation_node, own, structures=structures), info=info)
    flags, confidence = noted_flags(labels), noted_confidence(labels)
    files = series.files if series else ()
    write_segmentation(segmentation_node, args.output, reference=grid, dicom=files, warn=warnings.append)
    if args.statistics and args.statistics.suffix.lower() == ".json":
        write_atomically(
            args.statistics, json.dumps({"structures": rows, "info": info}, default=float, indent=1) + "\n"
        )
    elif args.statistics:
        write_statistics_csv(rows, args.statistics)
    meshes = write_meshes(labels, args.meshes, args.mesh_format) if args.meshes else ()
    if args.report:
        from BoneSegLib.report.page import write_run_report
        from BoneSegLib.scene.read import volume_from_node

        remarked = [{**row, "remark": ", ".join(flags.get(str(row["id"]), []))} for row in rows]
        volume = volume_from_node(volume_node)
        write_run_report(args.report, volume, labels, remarked, title=args.input.name)
    return {
        "input": args.input.name,
        "output": str(args.output),
        "statistics": str(args.statistics) if args.statistics else None,
        "report": str(args.report) if args.report else None,
        "meshes": [str(path) for path in meshes],
        "structures": [
            {
                "id": row["id"],
                "name": row["name"],
                "voxels": row["voxels"],
                "volume_cm3": row["volume_cm3"],
                "confidence": confidence.get(str(row["id"])),
                "flags": flags.get(str(row["id"]), []),
            }
            for row in rows
        ],
        "info": info,
    }


def _summary(outcome: dict[str, Any]) -> str:
    lines = [
        f"  {row['name']:<16} {row['volume_cm3']:8.1f} cm3  {', '.join(row['flags'])}".rstrip()
        if row["voxels"]
        else f"  {row['name']:<16} not found"
        for row in outcome["structures"]
    ]
    info = outcome["info"]
    lines.append(
        f"{outcome['output']}: model {info['model']}, {info['quality']}, {info['device']}, {info['precision']}, "
        f"{info['seconds_total']:.1f} s. Not for clinical use."
    )
    return "\n".join(lines)
