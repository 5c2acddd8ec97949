"""Progress on a terminal: one line that is rewritten, nothing where nobody looks."""

from __future__ import annotations

import sys
import time

WIDTH = 24


class TerminalProgress:
    """Called with the share done and a message; draws a bar with the time left on standard error."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._is_shown = sys.stderr.isatty()
        self._last_message = ""

    def __call__(self, fraction: float, message: str) -> None:
        if not self._is_shown:
            return
        done = round(WIDTH * fraction)
        elapsed = time.monotonic() - self._start
        left = f"{elapsed * (1 - fraction) / fraction:4.0f} s left" if 0.05 < fraction < 1 else ""
        line = f"\r[{'#' * done}{'.' * (WIDTH - done)}] {100 * fraction:3.0f} %  {message}  {left}"
        sys.stderr.write(line.ljust(78) + ("\n" if fraction >= 1 else ""))
        sys.stderr.flush()
