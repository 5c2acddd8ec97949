"""How alive the module is: its real widget on Qt offscreen, its real worker, the bundled model, the sample CT.

``python -m Testing.benchmarks.widget``: how long the module takes to load, from a click on Segment to the finished
segmentation, the longest time without a frame while the run goes on, and from Cancel to idle. Nothing is faked, but
for the application around the widget.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FRAME_BAR_MS, CANCEL_BAR_S = 50, 1.0
_TIMEOUT_S = 1800.0
_BETWEEN_LOOKS_S = 0.002


class Frame(NamedTuple):
    """Seconds between two looks: of the wall, in which other programs' time is, and of the window's own thread."""

    wall: float
    own: float


class Window:
    """The module's window."""

    def __init__(self) -> None:
        started = time.perf_counter()
        from Testing.qt_runtime.runtime import install

        self._application = install()
        self.qt_seconds = time.perf_counter() - started
        started = time.perf_counter()
        from Testing.qt_runtime.runtime import load_module, show_module

        load_module(ROOT / "BoneSeg" / "BoneSeg.py")
        widget, self.module = show_module("BoneSeg")
        widget.show()
        self._application.processEvents()
        self.load_seconds = time.perf_counter() - started
        self.ui = self.module.ui

    @property
    def is_running(self) -> bool:
        return self.module.controller.isRunning

    def choose_sample(self, quality: str) -> None:
        """Chooses the CT, and waits for the forecast: then the worker is there, as for a person who reads it."""
        from BoneSegWidgets.sampleData import loadSample

        if self.ui.inputSelector.currentNode() is None:
            self.ui.inputSelector.setCurrentNode(loadSample()[0])
        self.ui.qualityComboBox.setCurrentIndex(self.ui.qualityComboBox.findData(quality))
        self.wait(lambda: self.ui.estimateLabel.text.startswith("On the"))

    def wait(self, until: Callable[[], bool]) -> list[Frame]:
        """Looks all the time; what lay between each look and the next."""
        frames, started = [], time.perf_counter()
        last, worked = started, time.thread_time()
        while not until():
            if time.perf_counter() - started > _TIMEOUT_S:
                raise TimeoutError(self.ui.progressLabel.text)
            self._application.processEvents()
            frames.append(Frame(time.perf_counter() - last, time.thread_time() - worked))
            last, worked = time.perf_counter(), time.thread_time()
            time.sleep(_BETWEEN_LOOKS_S)
        return frames

    def run(self) -> tuple[float, list[Frame]]:
        """A whole run: seconds from the click, and its frames; in the last one the result is put into the scene."""
        started = time.perf_counter()
        self.ui.segmentButton.click()
        frames = self.wait(lambda: not self.is_running)
        seconds = time.perf_counter() - started
        if self.ui.errorPanel.visible:
            raise RuntimeError(self.ui.errorLabel.text)
        return seconds, frames

    def cancel_in_the_middle(self) -> float:
        """Seconds from Cancel to idle, in a run that has begun to look for bones."""
        self.ui.segmentButton.click()
        self.wait(lambda: self.ui.progressBar.value > 0 and "Finding" in self.ui.progressLabel.text)
        started = time.perf_counter()
        self.ui.segmentButton.click()
        self.wait(lambda: not self.is_running)
        return time.perf_counter() - started

    def close(self) -> None:
        from Testing.qt_runtime.runtime import close_module

        close_module("BoneSeg")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quality", choices=("fast", "full"), default="fast", help="(default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="of each kind (default: %(default)s)")
    args = parser.parse_args()
    window = Window()
    try:
        lines = _measure(window, args.quality, args.runs)
    finally:
        window.close()
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _measure(window: Window, quality: str, runs: int) -> list[str]:
    window.choose_sample(quality)
    done = [window.run() for _ in range(runs)]
    # A run of full quality lasts long enough to be cancelled in its middle.
    window.choose_sample("full")
    cancelled = max(window.cancel_in_the_middle() for _ in range(runs))
    during = [frame for _, frames in done for frame in frames[:-1]]
    written = max(frames[-1].wall for _, frames in done)
    later = ", ".join(f"{seconds:.1f}" for seconds, _ in done[1:])
    busy = f"load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load average unknown"
    rows = [
        ("module loaded and shown", f"{window.load_seconds:.2f} s, after Qt and Slicer's {window.qt_seconds:.1f} s"),
        (f"Segment to finished, {quality}", f"{done[0][0]:.1f} s" + (f", then {later} s" if later else "")),
        ("longest time without a frame", f"{1000 * max(each.wall for each in during):.0f} ms of {len(during)} frames"),
        (
            "of it the window's own work",
            f"{1000 * max(each.own for each in during):.0f} ms at most (bar: {FRAME_BAR_MS})",
        ),
        ("result into the scene, with 3D", f"{1000 * written:.0f} ms"),
        (f"Cancel to idle, worst of {runs}", f"{cancelled:.2f} s (bar: {CANCEL_BAR_S:.0f})"),
    ]
    return [busy, *(f"{name:<32}{value}" for name, value in rows)]


if __name__ == "__main__":
    sys.exit(main())
