"""Goes through the cases on the workers of a Dask cluster: several processes, graphics cards or machines.

A case is given to another worker when its own dies or is cut off. Its record in the output folder, which all machines
see, decides whether it is done, and every file is there whole or not at all.
"""

from __future__ import annotations

import sys
import time
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from BoneSegLib.batch.attempt import note_failure
from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.connection import DEATHS, connected, default_workers, require_dask
from BoneSegLib.batch.job import Job, Plan
from BoneSegLib.batch.on_worker import Sent, do_case_here
from BoneSegLib.batch.progress import BatchProgress
from BoneSegLib.batch.record import Record
from BoneSegLib.batch.state import Batch
from BoneSegLib.errors import Cancelled, MissingError, ResourceError
from BoneSegLib.options import IsCancelled

if TYPE_CHECKING:
    from distributed import Client, Future

_POLL_SECONDS = 0.1
_SECONDS_TO_STOP = 20


def run_on_cluster(
    batch: Batch, scheduler: str, *, workers: int | None, progress: BatchProgress, is_cancelled: IsCancelled
) -> None:
    """Does the pending cases on the workers of ``scheduler`` (its address, or ``local`` for ``workers`` processes).

    Raises `Cancelled`, `MissingError` without Dask or where the scheduler is lost, or what made going on impossible.
    """
    require_dask()
    batch.job.folder.stop.unlink(missing_ok=True)
    batch.write()
    if not batch.pending:
        return
    try:
        with connected(scheduler, workers=min(workers or default_workers(), len(batch.pending))) as (client, threads):
            sent = Sent(plan=_plan_of(batch.job), model_sha256=batch.job.model_sha256, threads=threads)
            try:
                _Dealer(client, batch, sent, progress).run(is_cancelled)
            except BaseException:
                batch.job.folder.stop.touch()
                raise
    finally:
        batch.write()
    # What workers that died left half-written.
    batch.job.folder.remove_half_written()


class _Dealer:
    """Deals cases out, as many at a time as there are workers, so that none waits at a slow one."""

    def __init__(self, client: Client, batch: Batch, sent: Sent, progress: BatchProgress) -> None:
        self._client = client
        self._batch = batch
        self._sent = sent
        self._progress = progress
        self._waiting = list(reversed(batch.pending))
        self._out: dict[Future, Case] = {}
        self._told_of_no_worker = False

    def run(self, is_cancelled: IsCancelled) -> None:
        while self._waiting or self._out:
            if is_cancelled():
                self._stop()
                raise Cancelled
            self._deal()
            ended = [future for future in self._out if future.done()]
            if not ended:
                time.sleep(_POLL_SECONDS)
            for future in ended:
                self._take_in(future, self._out.pop(future))

    def _deal(self) -> None:
        workers = self._count_workers() if self._waiting else 0
        while self._waiting and len(self._out) < workers:
            case = self._waiting.pop()
            # Dask keeps what it knows of a key; cases of other runs have the same names.
            key = f"boneseg-{case.name}-{time.monotonic_ns()}"
            self._out[self._client.submit(do_case_here, case, self._sent, key=key, pure=False)] = case

    def _count_workers(self) -> int:
        """The workers that there are now; 0 while a broken connection is being restored."""
        if self._client.status == "closed":
            raise MissingError(
                "The connection to the scheduler was lost.",
                remedy="Start the scheduler and its workers again, and go on with --resume.",
            )
        try:
            workers = len(self._client.nthreads()) if self._client.status == "running" else 0
        except (OSError, AttributeError):
            # The connection broke just now.
            return 0
        if not workers and not self._told_of_no_worker:
            sys.stderr.write("Waiting for workers.\n")
            self._told_of_no_worker = True
        return workers

    def _take_in(self, future: Future, case: Case) -> None:
        if future.status in ("cancelled", "lost"):
            # The connection broke. The case is dealt out again; if a worker did it meanwhile, its record tells.
            self._waiting.append(case)
            return
        record = self._record(future, case)
        self._batch.note(record)
        self._progress.ends(record)

    def _record(self, future: Future, case: Case) -> Record:
        from distributed import KilledWorker

        error = future.exception()
        if isinstance(error, KilledWorker):
            told = ResourceError(
                f"The worker process ended {DEATHS + 1} times while it did this case.",
                cause="Mostly the machine ran out of memory.",
                remedy="Do this case alone, with --roi, or on a machine with more memory.",
            )
            return note_failure(case, self._batch.job, told)
        if error is not None:
            raise error
        return future.result()

    def _stop(self) -> None:
        """Running cases end at the next window of the network; those that were just done are kept."""
        self._batch.job.folder.stop.touch()
        deadline = time.monotonic() + _SECONDS_TO_STOP
        while time.monotonic() < deadline and not all(future.done() for future in self._out):
            time.sleep(_POLL_SECONDS)
        for future, case in self._out.items():
            if future.status == "finished":
                self._batch.note(self._record(future, case))
        self._client.cancel(list(self._out), force=True)


def _plan_of(job: Job) -> Plan:
    """The plan with paths that mean the same to other processes and machines."""
    plan = Plan(**{one.name: getattr(job, one.name) for one in fields(Plan)})
    model = plan.options.model
    return replace(
        plan,
        folder=replace(plan.folder, root=plan.folder.root.resolve()),
        options=replace(plan.options, model=model.resolve() if model else None),
        meshes=plan.meshes.resolve() if plan.meshes else None,
    )
