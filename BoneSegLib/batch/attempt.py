"""One case, whatever happens in it: what goes wrong becomes a record, so that it ends this case only."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.job import Job
from BoneSegLib.batch.one_case import CannotWrite, do_case
from BoneSegLib.batch.reading import ReadImage
from BoneSegLib.batch.record import FAILED, Record, inputs_of, write_record
from BoneSegLib.errors import BoneSegError, Cancelled, InternalError, MissingError, ResourceError
from BoneSegLib.options import IsCancelled, Progress


def attempt_case(
    case: Case, take: Callable[[], ReadImage], job: Job, *, progress: Progress, is_cancelled: IsCancelled
) -> Record:
    """Does a case, and leaves its record in the folder also where it fails. ``take`` gives its image.

    Raises `Cancelled`, or the `BoneSegError` that made it impossible to go on writing.
    """
    try:
        if is_cancelled():
            raise Cancelled
        return _foreseen(lambda: do_case(case, take, job, progress=progress, is_cancelled=is_cancelled))
    except Cancelled:
        raise
    except BoneSegError as error:
        return note_failure(case, job, error)
    except CannotWrite as stop:
        raise stop.error from stop


def note_failure(case: Case, job: Job, error: BoneSegError) -> Record:
    """The record of a case that failed, written."""
    # A case may fail after its segmentation was written, over its reference.
    is_there = job.folder.output(case.name).is_file()
    output = job.folder.output_name(case.name) if is_there else None
    record = Record(status=FAILED, error=error.to_dict(), output=output, **inputs_of(case))
    job.folder.make_room(case.name)
    write_record(record, job.folder.record(case.name))
    return record


def _foreseen(work: Callable[[], Record]) -> Record:
    """The result of ``work``; what nobody foresaw becomes a `BoneSegError` too."""
    try:
        return work()
    except (BoneSegError, CannotWrite):
        raise
    except MemoryError as error:
        raise ResourceError("The computer ran out of memory.", remedy="Do this case alone, with --roi.") from error
    except ModuleNotFoundError as error:
        raise MissingError(f"The package '{error.name}' is not installed here.", remedy="Install it.") from error
    except OSError as error:
        raise InternalError("A file could not be used.", cause=str(error), remedy="Check the disk.") from error
    except Exception as error:
        sys.stderr.write("\n" + traceback.format_exc())
        raise InternalError(
            "Something went wrong that should not have.",
            cause=f"{type(error).__name__}: {error}",
            remedy="Please report this with the text that the batch printed.",
        ) from error
