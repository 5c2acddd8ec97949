"""How much longer a run will take, from how far it has come."""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST_S = 1.5
_FIRST_SHARE = 0.03
_OLD = 0.8


class TimeLeft:
    """Judges by the step that goes on, since the steps' shares of the bar are not their shares of the time.

    ``expected``: seconds that the whole run was forecast to take. It counts while the first step goes on, which
    does not know what comes after it.
    """

    def __init__(self, expected: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._expected = expected
        self._clock = clock
        self._began: float | None = None
        self._step = ""
        self._steps = 0
        self._stepBegan = (0.0, 0.0)
        self._end: float | None = None

    def update(self, fraction: float, step: str) -> float | None:
        """Seconds left; ``None`` as long as nobody can know."""
        now = self._clock()
        if self._began is None:
            # Loading torch before the first sign of progress must not spoil the guess.
            self._began = now
        if step != self._step:
            self._step, self._stepBegan, self._end = step, (now, fraction), None
            self._steps += 1
        own = self._leftByStep(now, fraction)
        if self._steps == 1 and self._expected is not None:
            return max(self._began + self._expected - now, own or 0.0)
        return own

    def _leftByStep(self, now: float, fraction: float) -> float | None:
        seconds, share = now - self._stepBegan[0], fraction - self._stepBegan[1]
        if seconds < _FIRST_S or share < _FIRST_SHARE:
            return None if self._end is None else max(0.0, self._end - now)
        end = now + seconds / share * (1.0 - fraction)
        self._end = end if self._end is None else _OLD * self._end + (1.0 - _OLD) * end
        return max(0.0, self._end - now)
