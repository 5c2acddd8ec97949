"""Seconds per step of a run, for the result's record."""

from __future__ import annotations

import time


class Clock:
    """``lap(name)`` books the time since the last lap on ``name``."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now
