"""The worker's own side: one request after the other, models kept loaded in between."""

from __future__ import annotations

import argparse
import faulthandler
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

from BoneSegLib.errors import BoneSegError, Cancelled
from BoneSegLib.worker.exchange import Exchange
from BoneSegLib.worker.failures import from_exception
from BoneSegLib.worker.messages import (
    Message,
    decode,
    encode,
    unpack_geometry,
    unpack_options,
)
from BoneSegLib.worker.shared_memory import remove_name
from BoneSegLib.worker.tasks import ENGINE, TASKS, Job, load_function

IDLE_S = 600.0
_PROGRESS_EVERY_S = 0.05


def main(arguments: list[str] | None = None) -> int:
    """Serves until the other side goes away, or nothing was asked for ``--idle`` seconds."""
    parser = argparse.ArgumentParser(prog="python -m BoneSegLib.worker", description=__doc__)
    parser.add_argument("--engine", default=ENGINE, metavar="MODULE:FUNCTION")
    parser.add_argument("--estimator", default="BoneSegLib.worker.estimate:estimate", metavar="MODULE:FUNCTION")
    parser.add_argument("--idle", type=float, default=IDLE_S, metavar="SECONDS")
    args = parser.parse_args(arguments)
    faulthandler.enable()
    Server(_private_stdout(), engine=args.engine, estimator=args.estimator).serve(idle=args.idle)
    return 0


def _private_stdout() -> TextIO:
    """Standard output for messages alone: what libraries print goes to standard error."""
    ours = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return ours


class Server:
    """Requests come in through a thread, so that a cancel is heard while the network works."""

    def __init__(self, output: TextIO, *, engine: str, estimator: str) -> None:
        self._output = output
        self._engine = engine
        self._estimator = estimator
        self._requests: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._stopped: set[int] = set()
        self._open_name = ""

    def serve(self, *, idle: float) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        self._say(say="ready", pid=os.getpid())
        while True:
            try:
                request = self._requests.get(timeout=idle)
            except queue.Empty:
                return
            if request["do"] in TASKS:
                self._answer(request, self._do)
            elif request["do"] == "estimate":
                self._answer(request, self._estimate)

    def _listen(self) -> None:
        for line in sys.stdin:
            request = decode(line)
            if request is None:
                continue
            if request["do"] == "cancel":
                self._stopped.add(request["run"])
            else:
                if request["do"] in TASKS:
                    self._open_name = request["memory"]
                self._requests.put(request)
        # The pipe is closed: the other side is gone, and nobody is left to remove what it may have left.
        remove_name(self._open_name)
        os._exit(0)

    def _answer(self, request: Message, work: Callable[[Message], Message]) -> None:
        try:
            answer = work(request)
        except Exception as error:
            if not isinstance(error, BoneSegError):
                traceback.print_exc()
            answer = {"say": "failed", "error": from_exception(error).to_dict()}
        self._say(run=request["run"], **answer)

    def _do(self, request: Message) -> Message:
        number = request["run"]
        exchange = Exchange.open(request)
        self._say(say="opened", run=number)
        job = Job(request, exchange, self._progress_of(number), lambda: number in self._stopped, self._engine)
        return TASKS[request["do"]](job)

    def _estimate(self, request: Message) -> Message:
        from dataclasses import asdict

        if not self._requests.empty():
            # Something newer waits, and nobody needs this answer.
            raise Cancelled
        found = load_function(self._estimator)(unpack_geometry(request["geometry"]), unpack_options(request["options"]))
        return {"say": "estimate", "estimate": asdict(found)}

    def _progress_of(self, number: int) -> Callable[[float, str], None]:
        last_time, last_message = 0.0, ""

        def progress(fraction: float, message: str) -> None:
            nonlocal last_time, last_message
            now = time.monotonic()
            if message != last_message or now - last_time > _PROGRESS_EVERY_S:
                last_time, last_message = now, message
                self._say(say="progress", run=number, fraction=fraction, message=message)

        return progress

    def _say(self, **message: Any) -> None:
        self._output.write(encode(message))
        self._output.flush()
