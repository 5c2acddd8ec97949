"""Goes through the cases in this process: the model is loaded once, and the next image read meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from BoneSegLib.batch.attempt import attempt_case
from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.progress import BatchProgress
from BoneSegLib.batch.reading import Reader, ReadImage
from BoneSegLib.batch.state import Batch
from BoneSegLib.options import IsCancelled


def run_here(batch: Batch, *, progress: BatchProgress, is_cancelled: IsCancelled) -> None:
    """Does the pending cases. Raises `Cancelled`, or what made it impossible to go on writing."""
    batch.write()
    try:
        with Reader(force=batch.job.options.force) as reader:
            for number, case in enumerate(batch.pending):
                progress.begins(case.name)
                following = batch.pending[number + 1 : number + 2]
                take = _reading_ahead(reader, case, following)
                record = attempt_case(case, take, batch.job, progress=progress, is_cancelled=is_cancelled)
                batch.note(record)
                progress.ends(record)
    finally:
        batch.write()


def _reading_ahead(reader: Reader, case: Case, following: Sequence[Case]):
    def take() -> ReadImage:
        try:
            return reader.take(case)
        finally:
            for each in following:
                reader.start(each)

    return take
