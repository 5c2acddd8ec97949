"""The side of the worker that lives in Slicer: it never waits, it is polled (from a timer, every 20 ms or so)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from BoneSegLib.errors import BoneSegError, Cancelled, InternalError
from BoneSegLib.options import SegmentOptions
from BoneSegLib.volume import Geometry, LabelMap, Volume
from BoneSegLib.worker.estimate import Estimate
from BoneSegLib.worker.events import Compared, Estimated, Event, Failed, Finished, Progressed
from BoneSegLib.worker.exchange import LABELS, Exchange
from BoneSegLib.worker.failures import from_exception, from_exit
from BoneSegLib.worker.messages import (
    Message,
    pack_geometry,
    pack_options,
    pack_structures,
    unpack_comparison,
    unpack_error,
    unpack_structures,
)
from BoneSegLib.worker.process import Launch, WorkerProcess

GRACE_S = 0.4
"""How long a worker that was told to stop may take to do so before it is killed."""

_HAND_OVER_S = 0.012
"""The image is handed over in pieces, for so long a poll: the window must not stutter meanwhile."""

_PIECE_BYTES = 2 * 2**20


@dataclass(eq=False)
class _Run:
    """The run that goes on. ``source``: what is copied into the first arrays of the exchange."""

    number: int
    request: Message
    geometry: Geometry
    source: tuple[np.ndarray, ...]
    exchange: Exchange
    planes_copied: int = 0
    is_opened: bool = False
    stop_by: float | None = None

    @property
    def is_handed_over(self) -> bool:
        return self.planes_copied == len(self.source[0])


class WorkerClient:
    """Starts the worker when it is first needed and keeps it for the next run; one run at a time.

    The worker ends by itself after ten idle minutes, and when this process ends, however that happens.
    """

    def __init__(self, launch: Launch | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._launch = launch or Launch()
        self._clock = clock
        self._process: WorkerProcess | None = None
        self._run: _Run | None = None
        self._number = 0
        self._estimate_asked = 0

    @property
    def is_running(self) -> bool:
        """Whether a segmentation goes on."""
        return self._run is not None

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def last_lines(self) -> tuple[str, ...]:
        """What the worker wrote last to its standard error, for diagnostics."""
        return tuple(self._process.last_lines) if self._process else ()

    def start(self) -> None:
        """Starts the process, if it is not there. It takes seconds to be ready, and nobody waits for it."""
        if self._process is not None and self._process.exit_code() is not None:
            self._process.kill()
            self._process = None
        if self._process is None:
            try:
                self._process = WorkerProcess(self._launch)
            except OSError as error:
                cause = f"{type(error).__name__}: {error.strerror}"
                raise InternalError("The worker process cannot be started.", cause=cause) from error

    def segment(self, volume: Volume, options: SegmentOptions) -> None:
        """Begins a run; `poll` tells how it goes. Raises a `BoneSegError` when it cannot begin."""
        self._begin({"do": "segment", "options": pack_options(options)}, volume.geometry, (volume.array,))

    def grow_from_seeds(self, volume: Volume, labels: LabelMap) -> None:
        """Begins to grow the cores of ``labels`` over the image; it ends as a segmentation does."""
        request = {"do": "grow", "structures": pack_structures(labels.structures)}
        self._begin(request, volume.geometry, (volume.array, labels.array))

    def compare(
        self,
        reference: LabelMap,
        test: LabelMap,
        *,
        tolerance_mm: float,
        surface: str = "surfel",
        mask: LabelMap | None = None,
    ) -> None:
        """Begins a comparison of two label maps on one grid; it ends with a `Compared` or `Failed`.

        ``mask`` lies on the same grid; only where it is not 0 is compared.
        """
        structures = {each.id: each for each in (*reference.structures, *test.structures)}
        packed = pack_structures(tuple(structures.values()))
        request = {"do": "compare", "structures": packed, "tolerance_mm": tolerance_mm, "surface": surface}
        limits = () if mask is None else (mask.array,)
        self._begin(request, reference.geometry, (reference.array, test.array, *limits))

    def _begin(self, request: Message, geometry: Geometry, source: tuple[np.ndarray, ...]) -> None:
        if self._run is not None:
            raise InternalError("A run is going on already.", remedy="Wait for it, or cancel it.")
        self.start()
        self._number += 1
        # Two arrays at least: labels come back in the second.
        dtypes = [*(array.dtype for array in source), LABELS][: max(2, len(source))]
        exchange = Exchange.create(geometry.shape, dtypes)
        self._run = _Run(self._number, request, geometry, source, exchange)

    def estimate(self, geometry: Geometry, options: SegmentOptions) -> None:
        """Asks for time and memory of a run on such an image. An `Estimated` answers; only the last question counts.

        A run that begins meanwhile is done after it.
        """
        self.start()
        assert self._process is not None
        self._number += 1
        self._estimate_asked = self._number
        request = {"do": "estimate", "run": self._number, "geometry": pack_geometry(geometry)}
        self._process.send({**request, "options": pack_options(options)})

    def cancel(self) -> None:
        """Stops the run: between two windows, or by killing the worker when that takes longer than `GRACE_S`."""
        run = self._run
        if run is not None and run.stop_by is None:
            run.stop_by = self._clock() + (GRACE_S if run.is_handed_over else 0.0)
            if self._process is not None and run.is_handed_over:
                self._process.send({"do": "cancel", "run": run.number})

    def poll(self) -> list[Event]:
        """What has happened since the last poll; takes milliseconds. A run ends with one `Finished` or `Failed`."""
        events: list[Event] = []
        if self._process is None:
            return events
        exit_code = self._process.exit_code()  # before the messages: what it said before its end still counts
        if exit_code is not None:
            self._process.wait_for_last_words()
        for message in self._process.receive():
            event = self._event_of(message)
            if event is not None:
                events.append(event)
        if exit_code is not None:
            events += self._worker_ended(exit_code)
        if self._run is not None:
            events += self._go_on(self._run)
        return events

    def close(self) -> None:
        """Ends run and worker at once; nothing stays behind."""
        self._end_run()
        if self._process is not None:
            self._process.kill()
            self._process = None

    def _go_on(self, run: _Run) -> list[Event]:
        if run.stop_by is not None and self._clock() >= run.stop_by:
            if run.is_handed_over and self._process is not None:
                self._process.kill(wait=False)
                self._process = None
            self._end_run()
            return [Failed(Cancelled())]
        if not run.is_handed_over:
            try:
                self._hand_over_some(run)
            except (BoneSegError, OSError, ValueError) as error:
                self._end_run()
                return [Failed(from_exception(error))]
        return []

    def _hand_over_some(self, run: _Run) -> None:
        count = len(run.source[0])
        planes = max(1, _PIECE_BYTES // max(1, sum(array[0].nbytes for array in run.source)))
        until = time.perf_counter() + _HAND_OVER_S
        while not run.is_handed_over and time.perf_counter() < until:
            first, stop = run.planes_copied, min(count, run.planes_copied + planes)
            run.exchange.reserve_planes(first, stop)
            for target, array in zip(run.exchange.arrays, run.source, strict=False):
                np.copyto(target[first:stop], array[first:stop])
            run.planes_copied = stop
        if run.is_handed_over:
            self._send_request(run)

    def _send_request(self, run: _Run) -> None:
        if self._process is not None:
            about = {"run": run.number, "geometry": pack_geometry(run.geometry)}
            self._process.send({**run.request, **about, **run.exchange.address()})

    def _event_of(self, message: Message) -> Event | None:
        said, number = message.get("say"), message.get("run")
        if number == self._estimate_asked:
            return self._answer_of_estimate(message)
        run = self._run
        if run is None or number != run.number:
            return None
        if said == "opened":
            run.is_opened = True
            run.exchange.memory.forget_name()
        elif said == "progress" and run.stop_by is None:
            return Progressed(float(message["fraction"]), str(message["message"]))
        elif said in ("done", "compared"):
            self._end_run()
            return self._outcome(run, message)
        elif said == "failed":
            self._end_run()
            return Failed(unpack_error(message["error"]))
        return None

    def _answer_of_estimate(self, message: Message) -> Event:
        self._estimate_asked = 0
        if message.get("say") == "estimate":
            return Estimated(Estimate(**message["estimate"]))
        return Estimated(None, unpack_error(message["error"]))

    def _outcome(self, run: _Run, message: Message) -> Event:
        if run.stop_by is not None:
            return Failed(Cancelled())
        if message["say"] == "compared":
            structures = unpack_structures(run.request["structures"])
            return Compared(unpack_comparison(message["comparison"], structures))
        structures = unpack_structures(message["structures"])
        labels = LabelMap(run.exchange.labels, run.geometry, structures, message["info"])
        flags = {name: tuple(texts) for name, texts in message["flags"].items()}
        return Finished(labels, flags, message["measures"])

    def _worker_ended(self, exit_code: int) -> list[Event]:
        """Idle, that is nothing to tell; in the middle of a run it is a crash."""
        assert self._process is not None
        lines = tuple(self._process.last_lines)
        self._process.kill()
        self._process = None
        run = self._run
        if run is None:
            asked, self._estimate_asked = self._estimate_asked, 0
            return [Estimated(None, from_exit(exit_code, lines))] if asked and exit_code != 0 else []
        if exit_code == 0 and not run.is_opened and run.stop_by is None:
            # It had been idle for too long just when the run began.
            self.start()
            if run.is_handed_over:
                self._send_request(run)
            return []
        self._end_run()
        return [Failed(Cancelled() if run.stop_by is not None else from_exit(exit_code, lines))]

    def _end_run(self) -> None:
        if self._run is not None:
            self._run.exchange.memory.forget_name()
            self._run = None
