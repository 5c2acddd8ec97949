"""What is known of all cases of a run, kept in the index of the output folder."""

from __future__ import annotations

import time
from collections.abc import Sequence

from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.index import index_row, write_index
from BoneSegLib.batch.job import Job
from BoneSegLib.batch.record import Record, inputs_of
from BoneSegLib.batch.settings import made_alike

# Writing the index of 100,000 cases takes a second, which must not be spent after each of them.
_SHARE_OF_TIME = 0.05


class Batch:
    """The cases of one run with what is known of them so far. ``pending`` are those to do, ``kept`` those done before;
    ``redone`` says how many were done before and are not kept, for want of ``resume``.

    The index is up to date after each case in a small cohort, and within seconds in a large one.
    """

    def __init__(self, cases: Sequence[Case], job: Job, *, resume: bool) -> None:
        self.job = job
        self._rows = {case.name: index_row(Record(**inputs_of(case))) for case in cases}
        finished = {case.name: _finished(case, job) if resume else None for case in cases}
        self.kept = tuple(name for name, record in finished.items() if record is not None)
        self._rows.update({name: index_row(record) for name, record in finished.items() if record is not None})
        self.redone = 0 if resume else sum(job.folder.finished(case) is not None for case in cases)
        known = set(self.kept)
        self.pending = tuple(case for case in cases if case.name not in known)
        for case in self.pending:
            # What is there of an earlier run must not be taken for the result of this one.
            job.folder.record(case.name).unlink(missing_ok=True)
        self._next_writing = 0.0

    @property
    def rows(self) -> list[dict[str, object]]:
        """The lines of the index, in the order of the cases."""
        return list(self._rows.values())

    def note(self, record: Record) -> None:
        """Takes in how a case went. Raises `OutputError`, `ResourceError` where the index cannot be written."""
        self._rows[record.case] = index_row(record)
        if time.monotonic() >= self._next_writing:
            self.write()

    def write(self) -> None:
        """Brings the index in the folder up to date."""
        started = time.monotonic()
        write_index(self.rows, self.job.folder.root)
        ended = time.monotonic()
        self._next_writing = ended + (ended - started) / _SHARE_OF_TIME


def _finished(case: Case, job: Job) -> Record | None:
    record = job.folder.finished(case)
    if record is None or not made_alike(record.info, job.options, job.model_sha256):
        return None
    return record if job.meshes is None or record.mesh_format == job.mesh_format else None
