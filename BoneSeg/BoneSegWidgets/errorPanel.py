"""Where errors are told: below the button, calmly, until they are closed or something new is begun."""

from __future__ import annotations

from collections.abc import Callable

import slicer

from BoneSegLib.errors import BoneSegError
from BoneSegWidgets.texts import errorHtml


class ErrorPanel:
    def __init__(self, ui, makeDiagnostics: Callable[[BoneSegError], str]) -> None:
        self._ui = ui
        self._makeDiagnostics = makeDiagnostics
        self._error: BoneSegError | None = None
        ui.copyDiagnosticsButton.connect("clicked()", self._onCopy)
        ui.closeErrorButton.connect("clicked()", self.clear)
        self.clear()

    @property
    def error(self) -> BoneSegError | None:
        return self._error

    def show(self, error: BoneSegError) -> None:
        self._error = error
        self._ui.errorLabel.text = errorHtml(error)
        self._ui.errorPanel.visible = True

    def clear(self) -> None:
        self._error = None
        self._ui.errorPanel.visible = False

    def _onCopy(self) -> None:
        if self._error is not None:
            slicer.app.clipboard().setText(self._makeDiagnostics(self._error))
