"""A real Dask scheduler and workers, as processes that a test may kill or freeze."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]


class Cluster:
    """``address`` of the scheduler; the processes end with the test."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**os.environ, "OMP_NUM_THREADS": "1", **settings}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._started: list[subprocess.Popen[bytes]] = []
        words = ("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show")
        self.scheduler = self._start(*words)

    def add_worker(self, *more: str, through: str | None = None) -> subprocess.Popen[bytes]:
        """A worker with one thread, without a nanny: when it dies, it stays dead. ``through``: a proxy's address."""
        address = through or self.address
        words = ("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
        return self._start(*words, "--local-directory", str(self._folder / "dask"), *more)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{words[0]}{len(self._started)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words], cwd=REPOSITORY, env=self._environment, stdout=log, stderr=log
        )
        self._started.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self._started):
            process.kill()
            process.wait()


@contextmanager
def cluster(folder: Path, **settings: str) -> Iterator[Cluster]:
    """``settings``: of Dask, as variables of its environment."""
    running = Cluster(folder, settings)
    try:
        yield running
    finally:
        running.stop()


def workers_below(process: subprocess.Popen) -> list[psutil.Process]:
    """The processes that compute, of a batch that started its own workers: those whose parent is a nanny's."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found
