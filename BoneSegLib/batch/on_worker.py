"""What runs in a worker process of a cluster: one case after the other, with one model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from BoneSegLib._version import __version__
from BoneSegLib.batch.attempt import attempt_case
from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.folder import OutputFolder
from BoneSegLib.batch.job import Job, Plan, open_job
from BoneSegLib.batch.reading import read_case
from BoneSegLib.batch.record import Record, read_record
from BoneSegLib.batch.slots import own_device
from BoneSegLib.errors import MissingError
from BoneSegLib.options import no_progress

# The scene is one for the process, so a worker with several threads does one case at a time all the same.
_ONE_AT_A_TIME = threading.Lock()
_SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The plan as it is sent to workers. They must have the same program and the same model.

    ``threads``: of the processor for each worker; ``None`` leaves it to the worker's surroundings.
    """

    plan: Plan
    model_sha256: str
    version: str = __version__
    threads: int | None = None


def do_case_here(case: Case, sent: Sent) -> Record:
    """Does a case in a worker, unless its record shows that it is done: work that only seemed lost is given out anew.

    Raises `Cancelled`, `MissingError` for a worker that is not like the others, or what makes it impossible to write.
    """
    with _ONE_AT_A_TIME:
        known = read_record(sent.plan.folder.record(case.name))
        if known is not None:
            return known
        job = _opened(sent)
        return attempt_case(
            case,
            lambda: read_case(case, force=job.options.force),
            job,
            progress=no_progress,
            is_cancelled=_stop_asked(job.folder),
        )


@lru_cache(maxsize=1)
def _opened(sent: Sent) -> Job:
    """The job, made once per process."""
    import torch

    if sent.version != __version__:
        raise MissingError(
            f"A worker has BoneSeg {__version__}, the batch was started with {sent.version}.",
            remedy="Install the same version for all workers.",
        )
    if sent.threads is not None:
        torch.set_num_threads(sent.threads)
    device = own_device(sent.plan.options.device, torch.cuda.device_count() if torch.cuda.is_available() else 0)
    job = open_job(replace(sent.plan, options=replace(sent.plan.options, device=device)))
    if job.model_sha256 != sent.model_sha256:
        raise MissingError("A worker has another model.", remedy="Give --model a folder that all machines see.")
    return job


def _stop_asked(folder: OutputFolder) -> Callable[[], bool]:
    """Whether the batch was cancelled, told by a file: that works over a broken connection too."""
    last = [0.0, False]

    def ask() -> bool:
        if time.monotonic() - last[0] > _SECONDS_BETWEEN_LOOKS:
            last[:] = [time.monotonic(), folder.stop.exists()]
        return bool(last[1])

    return ask
