"""What a person does with the widget, and sees of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6 import QtTest, QtWidgets
from PySide6.QtCore import Qt

TIMEOUT_S = 180.0


class Person:
    """Sits before the module's widget. Clicks are clicks: on what is hidden or disabled they do nothing."""

    def __init__(self, window, module) -> None:
        self.window = window
        self.module = module
        self.ui = module.ui
        self.frames: list[float] = []

    def click(self, widget) -> None:
        assert widget.isVisible(), f"{widget.objectName} is hidden"
        assert widget.isEnabled(), f"{widget.objectName} is disabled: {widget.toolTip}"
        position = widget.rect.center()
        if isinstance(widget, QtWidgets.QCheckBox):
            position.setX(8)
        QtTest.QTest.mouseClick(widget, Qt.LeftButton, Qt.NoModifier, position)
        self.look()

    def choose(self, selector, node) -> None:
        """In a list of nodes."""
        assert selector.isEnabled()
        selector.setCurrentNode(node)
        self.look()

    def open(self, section) -> None:
        section.collapsed = False
        self.look()

    def look(self) -> None:
        QtWidgets.QApplication.processEvents()

    def wait(self, until: Callable[[], bool], *, timeout: float = TIMEOUT_S) -> float:
        """Waits, looking all the time; returns the seconds.

        `frames` gets how long the window's thread worked from each look to the next. Its own time counts, since other
        programs may have the processor in between.
        """
        started = time.perf_counter()
        while not until():
            assert time.perf_counter() - started < timeout, "waited in vain"
            before = time.thread_time()
            QtWidgets.QApplication.processEvents()
            self.frames.append(time.thread_time() - before)
            time.sleep(0.002)
        return time.perf_counter() - started

    def wait_for_the_end(self) -> float:
        return self.wait(lambda: not self.is_running)

    @property
    def is_running(self) -> bool:
        return self.module.controller.isRunning

    @property
    def sees_progress(self) -> bool:
        return self.ui.progressPanel.isVisible() and self.ui.progressBar.value > 0

    @property
    def error(self) -> str:
        """The error on the screen; empty when there is none."""
        return self.ui.errorLabel.text if self.ui.errorPanel.isVisible() else ""
