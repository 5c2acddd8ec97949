"""How much longer a run will take, from how far it has come."""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST_S = 1.5
_FIRST_SHARE = 0.04
_OLD = 0.8


class TimeLeft:
    """Counts from the first sign of progress, so that loading torch does not spoil the guess; changes smoothly."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: tuple[float, float] | None = None
        self._end: float | None = None

    def update(self, fraction: float) -> float | None:
        """Seconds left; ``None`` as long as nobody can know."""
        now = self._clock()
        if self._first is None:
            self._first = (now, fraction)
        began, share = now - self._first[0], fraction - self._first[1]
        if began < _FIRST_S or share < _FIRST_SHARE:
            return None
        end = now + began / share * (1.0 - fraction)
        self._end = end if self._end is None else _OLD * self._end + (1.0 - _OLD) * end
        return max(0.0, self._end - now)
