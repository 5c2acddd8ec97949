"""One worker process: started, talked to without ever waiting for it, and ended with everything that it started."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from BoneSegLib.worker.messages import Message, decode, encode

_LINES_KEPT = 40


@dataclass(frozen=True)
class Launch:
    """How to start a worker: the Python to run (in Slicer, PythonSlicer), its environment, arguments for `server`."""

    python: str = sys.executable
    environment: Mapping[str, str] | None = None
    arguments: tuple[str, ...] = field(default=())

    def command(self) -> list[str]:
        return [self.python, "-m", "BoneSegLib.worker", *self.arguments]

    def full_environment(self) -> dict[str, str]:
        environment = dict(os.environ if self.environment is None else self.environment)
        paths = [str(library_folder()), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        return environment


def library_folder() -> Path:
    """The folder that holds the package BoneSegLib."""
    return Path(__file__).resolve().parents[2]


class WorkerProcess:
    """Its messages arrive in a queue that threads fill, since pipes cannot be polled on Windows."""

    def __init__(self, launch: Launch) -> None:
        # A session of its own, so that the whole tree can be ended: PythonSlicer is only a launcher.
        self._process = subprocess.Popen(
            launch.command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=launch.full_environment(),
            cwd=library_folder(),
            start_new_session=os.name != "nt",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.last_lines: deque[str] = deque(maxlen=_LINES_KEPT)
        assert self._process.stdout is not None and self._process.stderr is not None
        self._readers = [
            threading.Thread(target=_read_messages, args=(self._process.stdout, self._messages), daemon=True),
            threading.Thread(target=_keep_lines, args=(self._process.stderr, self.last_lines), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Message) -> None:
        """A worker that is gone cannot be told anything; `exit_code` will say so."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(encode(message).encode())
            self._process.stdin.flush()

    def receive(self) -> list[Message]:
        """All messages that have arrived."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._messages.get_nowait())
        return found

    def exit_code(self) -> int | None:
        """``None`` while it runs."""
        return self._process.poll()

    def wait_for_last_words(self) -> None:
        """After the end: what it had written is read."""
        for reader in self._readers:
            reader.join(timeout=0.2)

    def kill(self, *, wait: bool = True) -> None:
        """Ends the process and its children at once. Does no harm when called again.

        A large process takes a while to go. Without ``wait`` that happens behind the scenes.
        """
        self._signal_tree()
        if wait:
            self._bury()
        else:
            threading.Thread(target=self._bury, daemon=True).start()

    def _signal_tree(self) -> None:
        if os.name != "nt":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _bury(self) -> None:
        if os.name == "nt":
            self._kill_tree_on_windows()
        with contextlib.suppress(OSError):
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self.wait_for_last_words()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError, ValueError):
                if pipe is not None and not any(reader.is_alive() for reader in self._readers):
                    pipe.close()

    def _kill_tree_on_windows(self) -> None:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(self._process.pid)],
                capture_output=True,
                timeout=2,
                check=False,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )


def _read_messages(pipe: IO[bytes], messages: queue.SimpleQueue[Message]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in pipe:
            message = decode(line.decode("utf-8", "replace"))
            if message is not None:
                messages.put(message)


def _keep_lines(pipe: IO[bytes], lines: deque[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in pipe:
            lines.append(line.decode("utf-8", "replace").rstrip())
