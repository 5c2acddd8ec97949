"""A Dask cluster to work on: one that runs already, or processes of this computer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from BoneSegLib.errors import MissingError, UsageError

if TYPE_CHECKING:
    from distributed import Client

LOCAL = "local"
DEATHS = 3
"""How often a case may take its worker down before it is given up (Dask's own default); beyond it, it failed."""
_SECONDS_TO_CONNECT = 30


@contextmanager
def connected(scheduler: str, *, workers: int) -> Iterator[tuple[Client, int | None]]:
    """A client of ``scheduler`` (its address), and the threads of the processor for each worker, if they are ours.

    For `LOCAL`, ``workers`` processes are started here and end with this. Raises `MissingError` where nobody answers.
    """
    import dask
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        if scheduler != LOCAL:
            try:
                client = Client(scheduler, timeout=_SECONDS_TO_CONNECT)
            except (OSError, ValueError) as error:
                raise MissingError(
                    f"The scheduler '{scheduler}' does not answer.",
                    cause=str(error),
                    remedy="Give the address that `dask scheduler` prints, tcp://HOST:8786.",
                ) from error
            yield stack.enter_context(client), None
            return
        _require_no_application()
        count = max(1, workers)
        stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": DEATHS}))
        cluster = LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,
            dashboard_address=None,
            silence_logs="ERROR",
        )
        stack.enter_context(cluster)
        yield stack.enter_context(Client(cluster)), max(1, (os.cpu_count() or 1) // count)


def default_workers() -> int:
    """One for each graphics card, or one for four threads of the processor."""
    import torch

    return torch.cuda.device_count() or max(1, (os.cpu_count() or 1) // 4)


def require_dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise MissingError(
            "Several workers need the package 'distributed'.",
            cause=str(error),
            remedy='Install it with: pip install "boneseg[cluster]" or pip install distributed',
        ) from error


def _require_no_application() -> None:
    """Worker processes are started from the Python of this process, which inside Slicer is not one of their kind."""
    from BoneSegLib.headless.runtime import is_application

    if is_application():
        raise UsageError(
            "Inside Slicer no worker processes are started.",
            remedy="Use the command line, `boneseg batch`, or the address of a scheduler.",
        )
