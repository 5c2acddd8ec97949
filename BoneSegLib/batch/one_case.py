"""One case: segmented, measured, compared, written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.job import Job
from BoneSegLib.batch.reading import ReadImage
from BoneSegLib.batch.record import DONE, Record, inputs_of, read_record, write_record
from BoneSegLib.batch.settings import made_alike
from BoneSegLib.errors import InputError, OutputError, ResourceError
from BoneSegLib.inference.clock import Clock
from BoneSegLib.options import IsCancelled, Progress

if TYPE_CHECKING:
    from pathlib import Path

    from BoneSegLib.volume import LabelMap, Volume


class CannotWrite(Exception):
    """The output folder can no longer be written: going on with other cases would be in vain."""

    def __init__(self, error: OutputError | ResourceError) -> None:
        super().__init__(str(error))
        self.error = error


def do_case(
    case: Case, take: Callable[[], ReadImage], job: Job, *, progress: Progress, is_cancelled: IsCancelled
) -> Record:
    """Does all that there is to do with a case and leaves its files in the folder. ``take`` gives its image.

    The scene is afterwards as it was. Raises a `BoneSegError` where the case fails, `Cancelled`, or `CannotWrite`.
    """
    from BoneSegLib.batch.scene_kept import scene_kept

    with scene_kept():
        return _do_case(case, take, job, progress, is_cancelled)


def _do_case(
    case: Case, take: Callable[[], ReadImage], job: Job, progress: Progress, is_cancelled: IsCancelled
) -> Record:
    from BoneSegLib.flags import noted_flags
    from BoneSegLib.scene.read import volume_from_node
    from BoneSegLib.scene.statistics import compute_statistics

    clock = Clock()
    read = _take_in(take)
    # Told before the work rather than after it.
    _require_source(job.folder.suffix, read.files)
    clock.lap("take in")
    volume = volume_from_node(read.node)
    labels, segmentation_node = _labels(case, job, volume, read.node, progress, is_cancelled)
    clock.lap("segment")
    rows = compute_statistics(segmentation_node, read.node)
    flags = noted_flags(labels)
    clock.lap("measure")
    elsewhere = read_record(job.folder.record(case.name))
    if elsewhere is not None:
        # Another worker was given the case because this one seemed lost, and was first.
        return elsewhere
    meshes: list[str] = []
    _writing(lambda: meshes.extend(_write_outputs(case, job, segmentation_node, volume, labels, read.files)))
    clock.lap("write")
    comparison, remarks = _compare(case, job, labels)
    clock.lap("compare")
    record = Record(
        status=DONE,
        output=job.folder.output_name(case.name),
        output_bytes=job.folder.output(case.name).stat().st_size,
        meshes=meshes,
        mesh_format=job.mesh_format if job.meshes else None,
        seconds={"read": read.seconds, **clock.seconds},
        seconds_total=sum(clock.seconds.values()),
        notes=[*read.notes, *_notes_of(labels), *remarks],
        structures=[{"id": one.id, "name": one.name, "color": list(one.color)} for one in labels.structures],
        statistics=rows,
        flags=flags,
        comparison=comparison,
        info=dict(labels.info),
        **inputs_of(case),
    )
    _writing(lambda: write_record(record, job.folder.record(case.name)))
    return record


@dataclass(frozen=True, eq=False)
class _TakenIn:
    """The image as a volume node, what was said about it, and how long it took to read (in the background, mostly)."""

    node: Any
    notes: tuple[str, ...]
    seconds: float
    files: tuple[Path, ...]


def _take_in(take: Callable[[], ReadImage]) -> _TakenIn:
    """The array that was read is let go here: the node has its own."""
    from BoneSegLib.scene.volume_node import add_volume_node

    read = take()
    return _TakenIn(add_volume_node(read.volume), read.notes, read.seconds, read.files)


def _notes_of(labels: LabelMap) -> list[str]:
    notes = labels.info.get("notes")
    return [str(note) for note in notes] if isinstance(notes, (list, tuple)) else []


def _labels(case: Case, job: Job, volume: Volume, volume_node, progress: Progress, is_cancelled: IsCancelled):
    """The labels and their segmentation node: computed, or read where an output without a record is there."""
    from BoneSegLib.inference.engine import segment
    from BoneSegLib.scene.write import write_segmentation

    labels = _there_already(case, job, volume) if job.adopt else None
    if labels is None:
        labels = segment(volume, job.options, progress=progress, is_cancelled=is_cancelled)
    return labels, write_segmentation(labels, volume_node)


def _there_already(case: Case, job: Job, volume: Volume) -> LabelMap | None:
    """An output that a kill (or a failure after writing) left without its record, if it is whole and made alike.

    A label map does not say how it was made, so it is made again.
    """
    from BoneSegLib.headless.read import SEGMENTATION_SUFFIXES, read_segmentation
    from BoneSegLib.scene.labels import labelmap_from_segmentation
    from BoneSegLib.scene.write import provenance

    path = job.folder.output(case.name)
    if not (path.is_file() and path.name.endswith(SEGMENTATION_SUFFIXES)):
        return None
    try:
        node = read_segmentation(path)
        labels = labelmap_from_segmentation(node, structures=job.structures)
    except InputError:
        return None
    info = provenance(node)
    fits = labels.geometry.matches(volume.geometry) and made_alike(info, job.options, job.model_sha256)
    return replace(labels, info=info) if fits else None


def _compare(case: Case, job: Job, labels: LabelMap) -> tuple[dict[str, Any] | None, list[str]]:
    """The comparison with the reference as plain data, and what was said about it."""
    if case.reference is None:
        return None, []
    from BoneSegLib.evaluation.compare import compare_labelmaps
    from BoneSegLib.evaluation.options import CompareOptions
    from BoneSegLib.headless.read import read_labelmap

    remarks: list[str] = []
    reference = read_labelmap(
        case.reference, structures=job.model.structures, rules=job.reference_labels, warn=remarks.append
    )
    ids = tuple(structure.id for structure in job.structures)
    comparison = compare_labelmaps(
        reference, labels, options=CompareOptions(structures=ids, tolerance_mm=job.tolerance_mm)
    )
    return comparison.to_json(), [*remarks, *comparison.remarks]


def _write_outputs(
    case: Case, job: Job, segmentation_node, volume: Volume, labels: LabelMap, dicom: tuple[Path, ...]
) -> list[str]:
    """Writes all files of a case but its record; the paths of the meshes."""
    from BoneSegLib.batch.picture import write_picture
    from BoneSegLib.headless.write import write_segmentation
    from BoneSegLib.meshes.write import write_meshes

    job.folder.make_room(case.name)
    write_picture(job.folder.picture(case.name), volume, labels)
    meshes = []
    if job.meshes is not None:
        place = job.meshes / case.name
        place.mkdir(parents=True, exist_ok=True)
        meshes = [str(path) for path in write_meshes(labels, place, job.mesh_format)]
    output = job.folder.output(case.name)
    write_segmentation(segmentation_node, output, reference=volume.geometry, structures=labels.structures, dicom=dicom)
    return meshes


def _require_source(suffix: str, dicom: tuple[Path, ...]) -> None:
    """Raises `InputError` where a DICOM segmentation is asked for and the image is no DICOM."""
    if suffix == ".dcm":
        from BoneSegLib.dicom_seg.write import require_source

        require_source(dicom)


def _writing(write: Callable[[], None]) -> None:
    try:
        write()
    except (OutputError, ResourceError) as error:
        raise CannotWrite(error) from error
    except OSError as error:
        raise CannotWrite(OutputError("The output folder cannot be written.", cause=str(error))) from error
