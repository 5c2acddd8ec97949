"""Drives the worker from a timer: the window stays alive, and everything that touches the scene runs in its thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import qt

from BoneSegLib.worker.client import WorkerClient
from BoneSegLib.worker.events import Compared, Estimated, Failed, Finished, Progressed
from BoneSegWidgets.timeLeft import TimeLeft

_BUSY_MS = 15
_WAITING_MS = 100


@dataclass(frozen=True)
class Handlers:
    """``progressed(fraction, message, seconds left or None)``; ``ended`` gets a Finished, Compared or Failed, once."""

    progressed: Callable[[float, str, float | None], None]
    ended: Callable[[Finished | Compared | Failed], None]


class RunController:
    """One worker, at most one run."""

    def __init__(self, client: WorkerClient, estimated: Callable[[Estimated], None]) -> None:
        self._client = client
        self._estimated = estimated
        self._handlers: Handlers | None = None
        self._timeLeft = TimeLeft()
        self._awaitsEstimate = False
        self._question = None
        self._timer = qt.QTimer()
        self._timer.connect("timeout()", self.poll)

    @property
    def client(self) -> WorkerClient:
        return self._client

    @property
    def isRunning(self) -> bool:
        return self._handlers is not None

    def start(
        self, begin: Callable[[WorkerClient], None], handlers: Handlers, expectedSeconds: float | None = None
    ) -> None:
        """``begin`` starts a run of the client; a BoneSegError of it is raised here, and nothing has begun."""
        begin(self._client)
        self._handlers = handlers
        self._timeLeft = TimeLeft(expectedSeconds)
        self._setTimer()

    def askEstimate(self, geometry, options) -> bool:
        """Whether an answer will go to ``estimated``. This also starts the worker, so that it is warm for the run."""
        question = (geometry, options)
        if self.isRunning or question == self._question:
            return False
        self._client.estimate(geometry, options)
        self._question = question
        self._awaitsEstimate = True
        self._setTimer()
        return True

    def cancel(self) -> None:
        """Ends within a second, with a Failed(Cancelled)."""
        self._client.cancel()

    def close(self) -> None:
        """Ends the worker at once. Nobody is told."""
        self._handlers = None
        self._awaitsEstimate = False
        self._question = None
        self._timer.stop()
        self._client.close()

    def poll(self) -> None:
        for event in self._client.poll():
            self._tell(event)
        self._setTimer()

    def _tell(self, event) -> None:
        if isinstance(event, Estimated):
            self._awaitsEstimate = False
            self._estimated(event)
        elif self._handlers is None:
            return
        elif isinstance(event, Progressed):
            self._handlers.progressed(
                event.fraction, event.message, self._timeLeft.update(event.fraction, event.message)
            )
        else:
            # Before the handler runs: it may start the next run.
            # And the forecast may be better after a run.
            handlers, self._handlers = self._handlers, None
            self._question = None
            handlers.ended(event)

    def _setTimer(self) -> None:
        if self.isRunning:
            self._startTimer(_BUSY_MS)
        elif self._awaitsEstimate:
            self._startTimer(_WAITING_MS)
        else:
            self._timer.stop()

    def _startTimer(self, milliseconds: int) -> None:
        if not self._timer.active or self._timer.interval != milliseconds:
            self._timer.start(milliseconds)
