"""How far a batch is, on standard error: a line per case, and a bar with the time left where somebody looks."""

from __future__ import annotations

import sys
import time

from BoneSegLib.batch.record import DONE, Record

_BAR = 24
_WIDTH = 110


class BatchProgress:
    """Told of each case as it goes on and ends; ``total`` cases are to be computed."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._ended = 0
        self._start = time.monotonic()
        # Slicer puts an object of its own in the place of the stream.
        self._is_shown = getattr(sys.stderr, "isatty", lambda: False)()
        self._case = ""

    def begins(self, case: str) -> None:
        self._case = case
        self(0.0, "Reading")

    def __call__(self, fraction: float, message: str) -> None:
        """Takes the share of the present case that is done."""
        if not self._is_shown:
            return
        share = (self._ended + fraction) / max(1, self._total)
        done = round(_BAR * share)
        left = f"{self._left(share)} left" if share > 0.01 else ""
        line = f"[{'#' * done}{'.' * (_BAR - done)}] {self._ended}/{self._total}  {left}  {self._case}: {message}"
        sys.stderr.write("\r" + line[:_WIDTH].ljust(_WIDTH))
        sys.stderr.flush()

    def ends(self, record: Record) -> None:
        """Tells how a case went, in a line that stays."""
        self._ended += 1
        if self._is_shown:
            sys.stderr.write("\r" + " " * _WIDTH + "\r")
        left = f", {self._left(self._ended / self._total)} left" if self._ended < self._total else ""
        sys.stderr.write(f"[{self._ended}/{self._total}] {record.case}: {_how(record)}{left}\n")
        sys.stderr.flush()

    def stops(self) -> None:
        """Leaves the line of the bar."""
        if self._is_shown:
            sys.stderr.write("\n")

    def _left(self, share: float) -> str:
        return readable_time((time.monotonic() - self._start) * (1 - share) / share)


def _how(record: Record) -> str:
    if record.status != DONE:
        error = record.error or {}
        return f"failed ({error.get('kind')}): {str(error.get('message')).rstrip('.')}"
    dice = f", mean Dice {record.mean_dice:.3f}" if record.mean_dice is not None else ""
    return f"{record.found} of {len(record.structures)} found{dice}, {readable_time(record.seconds_total)}"


def readable_time(seconds: float) -> str:
    """``4.2 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
