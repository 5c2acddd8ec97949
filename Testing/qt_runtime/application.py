"""`slicer.app` with Qt: what the module asks of it."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from BoneSegLib.headless.application import Application


class QtApplication(Application):
    """slicer-core's stand-in, with an event loop, a clipboard and settings."""

    def __init__(self) -> None:
        super().__init__()
        self._startup: list = []
        self.opened_modules: list[str] = []

    def connect(self, signature, function):
        if signature.startswith("startupCompleted"):
            self._startup.append(function)
        return True

    def complete_startup(self) -> None:
        """What Slicer signals once all modules are loaded."""
        for function in self._startup:
            function()
        self._startup.clear()

    def processEvents(self, *_arguments):
        QtWidgets.QApplication.processEvents()

    def setOverrideCursor(self, cursor):
        QtWidgets.QApplication.setOverrideCursor(cursor)

    def restoreOverrideCursor(self):
        QtWidgets.QApplication.restoreOverrideCursor()

    def settings(self):
        return QtCore.QSettings()

    userSettings = settings

    def clipboard(self):
        return QtWidgets.QApplication.clipboard()

    def palette(self):
        return QtWidgets.QApplication.palette()
