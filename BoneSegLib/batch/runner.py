"""Goes through the cases in one process: the model is loaded once, failures are noted and the others go on."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence

from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.index import index_row, write_index
from BoneSegLib.batch.one_case import CannotWrite, Job, do_case
from BoneSegLib.batch.progress import BatchProgress
from BoneSegLib.batch.reading import Reader, ReadImage
from BoneSegLib.batch.record import FAILED, Record, inputs_of, write_record
from BoneSegLib.batch.settings import made_alike
from BoneSegLib.errors import BoneSegError, Cancelled, InternalError, MissingError, ResourceError
from BoneSegLib.options import IsCancelled


class Batch:
    """The cases of one run with what is known of them so far, written to the index after each change."""

    def __init__(self, cases: Sequence[Case], job: Job, *, resume: bool) -> None:
        self._job = job
        self._rows = {case.name: index_row(Record(**inputs_of(case))) for case in cases}
        finished = {case.name: _finished(case, job) if resume else None for case in cases}
        self.kept = tuple(name for name, record in finished.items() if record is not None)
        self._rows.update({name: index_row(record) for name, record in finished.items() if record is not None})
        self.pending = tuple(case for case in cases if case.name not in self.kept)
        for case in self.pending:
            # What is there of an earlier run must not be taken for the result of this one.
            job.folder.record(case.name).unlink(missing_ok=True)

    @property
    def rows(self) -> list[dict[str, object]]:
        """The lines of the index, in the order of the cases."""
        return list(self._rows.values())

    def run(self, *, progress: BatchProgress, is_cancelled: IsCancelled) -> None:
        """Does the pending cases. Raises `Cancelled`, or what made it impossible to go on writing."""
        write_index(self.rows, self._job.folder.root)
        with Reader(force=self._job.options.force) as reader:
            for number, case in enumerate(self.pending):
                progress.begins(case.name)
                record = self._do(case, reader, self.pending[number + 1 : number + 2], progress, is_cancelled)
                self._rows[case.name] = index_row(record)
                write_index(self.rows, self._job.folder.root)
                progress.ends(record)

    def _do(
        self,
        case: Case,
        reader: Reader,
        following: Sequence[Case],
        progress: BatchProgress,
        is_cancelled: IsCancelled,
    ) -> Record:
        def take() -> ReadImage:
            try:
                return reader.take(case)
            finally:
                for each in following:
                    reader.start(each)

        try:
            if is_cancelled():
                raise Cancelled
            return _attempt(lambda: do_case(case, take, self._job, progress=progress, is_cancelled=is_cancelled))
        except Cancelled:
            raise
        except BoneSegError as error:
            return self._failed(case, error)
        except CannotWrite as stop:
            raise stop.error from stop

    def _failed(self, case: Case, error: BoneSegError) -> Record:
        # A case may fail after its segmentation was written, over its reference.
        is_there = self._job.folder.output(case.name).is_file()
        output = self._job.folder.output_name(case.name) if is_there else None
        record = Record(status=FAILED, error=error.to_dict(), output=output, **inputs_of(case))
        self._job.folder.make_room(case.name)
        write_record(record, self._job.folder.record(case.name))
        return record


def _finished(case: Case, job: Job) -> Record | None:
    record = job.folder.finished(case)
    return record if record and made_alike(record.info, job.options, job.model_sha256) else None


def _attempt(work: Callable):
    """The result of ``work``; what nobody foresaw becomes a `BoneSegError` too, so that it ends one case only."""
    try:
        return work()
    except (BoneSegError, CannotWrite):
        raise
    except MemoryError as error:
        raise ResourceError(
            "The computer ran out of memory.", remedy="Do this case alone, with --quality fast or --roi."
        ) from error
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
