"""Several runs of the worker, one after the other, told as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from BoneSegLib.errors import BoneSegError
from BoneSegLib.worker.client import WorkerClient
from BoneSegLib.worker.events import Event, Failed
from BoneSegWidgets.runController import Handlers, RunController


class RunSeries:
    """``begins``: each begins a run of the client. ``progressed`` as in `Handlers`, over all runs.

    ``ended`` gets the events of all runs in their order, or the `Failed` of the first that failed, once.
    """

    def __init__(
        self,
        controller: RunController,
        begins: Sequence[Callable[[WorkerClient], None]],
        progressed: Callable[[float, str, float | None], None],
        ended: Callable[[list[Event] | Failed], None],
        expectedSeconds: float | None = None,
    ) -> None:
        self._controller = controller
        self._begins = begins
        self._progressed = progressed
        self._ended = ended
        self._expectedSeconds = expectedSeconds
        self._events: list[Event] = []

    @property
    def current(self) -> int:
        """The number of the run that goes on, from 0."""
        return len(self._events)

    def start(self) -> None:
        """A BoneSegError of the first run is raised here, and nothing has begun."""
        begin = self._begins[self.current]
        self._controller.start(begin, Handlers(self._runProgressed, self._runEnded), self._expectedSeconds)

    def _runProgressed(self, fraction: float, message: str, secondsLeft: float | None) -> None:
        if secondsLeft is not None:
            waiting = len(self._begins) - self.current - 1
            secondsLeft = None if waiting and self._expectedSeconds is None else secondsLeft
            if secondsLeft is not None and waiting:
                secondsLeft += waiting * self._expectedSeconds
        self._progressed((self.current + fraction) / len(self._begins), message, secondsLeft)

    def _runEnded(self, event: Event) -> None:
        if isinstance(event, Failed):
            self._ended(event)
            return
        self._events.append(event)
        if self.current == len(self._begins):
            self._ended(self._events)
            return
        try:
            self.start()
        except BoneSegError as error:
            self._ended(Failed(error))
