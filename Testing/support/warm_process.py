"""A process that has loaded the library once and forks for every trial, so that a trial may starve, crash or hang.

A trial is a call of a function named ``module:function`` under limits of memory, file size and rights. Its process ends
with the trial; whatever limits or damage it suffered stays in it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

NOBODY = 65534
LOADED_FIRST = (
    "torch",
    "scipy.ndimage",
    "scipy.spatial",
    "SimpleITK",
    "BoneSegLib.cli",
    "BoneSegLib.commands.segment",
    "BoneSegLib.inference.engine",
    "BoneSegLib.headless.read",
    "BoneSegLib.headless.write",
)


@dataclass(frozen=True)
class Limits:
    """``headroom``: bytes of memory above what the loaded library takes. ``file_size``: of each file written.

    ``as_nobody``: without root's rights. ``seconds``: after them the trial is killed.
    """

    headroom: int | None = None
    file_size: int | None = None
    as_nobody: bool = False
    seconds: float = 120.0


@dataclass(frozen=True)
class Outcome:
    """``code``: what the function returned, negative for a signal. ``value``: its answer, if it was no number."""

    code: int
    value: Any
    stdout: str
    stderr: str


class WarmProcess:
    """Starts with the first trial; one trial at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._count = 0

    def call(
        self, function: str, *arguments: Any, limits: Limits | None = None, environment: Mapping[str, str] | None = None
    ) -> Outcome:
        """Calls it in a process of its own."""
        process = self._started()
        self._count += 1
        place = self._folder / str(self._count)
        place.mkdir()
        request = {
            "function": function,
            "arguments": arguments,
            "limits": vars(limits or Limits()),
            "environment": dict(environment or {}),
            "place": str(place),
        }
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        answer = (place / "answer").read_text()
        return Outcome(
            code=code,
            value=json.loads(answer) if answer else None,
            stdout=(place / "stdout").read_text(errors="replace"),
            stderr=(place / "stderr").read_text(errors="replace"),
        )

    def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            root = Path(__file__).resolve().parents[2]
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                cwd=root,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        return self._process


def _serve() -> None:
    for module in LOADED_FIRST:
        import_module(module)
    from BoneSegLib.headless.runtime import ensure_runtime

    ensure_runtime()
    import_module("BoneSegLib.scene.write")
    # Messages alone go there; what libraries print goes nowhere.
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _do(request)
        answers.write(f"{_wait(child, request['limits']['seconds'])}\n")
        answers.flush()


def _wait(child: int, seconds: float) -> int:
    """The child's exit code, negative for a signal."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGALRM


def _do(request: dict[str, Any]) -> None:
    """The trial, in the child: never returns."""
    place = Path(request["place"])
    code = 99
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(place / name, os.O_WRONLY | os.O_CREAT, 0o666), number)
        answer = os.open(place / "answer", os.O_WRONLY | os.O_CREAT, 0o666)
        os.environ.update(request["environment"])
        module, name = request["function"].split(":")
        function = getattr(import_module(module), name)
        _apply(Limits(**request["limits"]))
        value = function(*request["arguments"])
        if isinstance(value, int):
            code = value
        else:
            os.write(answer, json.dumps(value).encode())
            code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _apply(limits: Limits) -> None:
    if limits.headroom is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + limits.headroom
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    if limits.file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_size, limits.file_size))
    if limits.as_nobody and os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


if __name__ == "__main__":
    _serve()
