"""What a run has found: a line on how, a table of the bones, what can be done next, and the way back."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from slicer.i18n import tr as _

from BoneSegWidgets.pythonSnippet import pythonSnippet
from BoneSegWidgets.runResult import RunResult, resultColumns, resultRows, summaryText
from BoneSegWidgets.tables import fillTable, fitHeight
from BoneSegWidgets.undo import SegmentationSwap, Step, UndoHistory


class ResultsPanel:
    """``failing(function)`` runs a function and shows its errors."""

    def __init__(self, ui, logic, failing: Callable) -> None:
        self._ui = ui
        self._logic = logic
        self._result: RunResult | None = None
        self._history = UndoHistory()
        # Texts can be wrapped once the table has its width.
        self._later = qt.QTimer(ui.resultsTable)
        self._later.setSingleShot(True)
        self._later.connect("timeout()", lambda: fitHeight(ui.resultsTable))
        ui.openEditorButton.connect("clicked()", lambda: failing(self._onOpenEditor))
        ui.undoButton.connect("clicked()", lambda: failing(lambda: self.show(self._history.undo())))
        ui.redoButton.connect("clicked()", lambda: failing(lambda: self.show(self._history.redo())))
        ui.vertebraeUpButton.connect("clicked()", lambda: failing(lambda: self._renumber(-1)))
        ui.vertebraeDownButton.connect("clicked()", lambda: failing(lambda: self._renumber(1)))
        ui.statisticsButton.connect("clicked()", lambda: failing(self._onStatistics))
        ui.copyPythonButton.connect("clicked()", self._onCopyPython)
        self.clear()

    @property
    def result(self) -> RunResult | None:
        return self._result

    def add(self, result: RunResult, change) -> None:
        """The result of a new run; ``change`` takes it back and brings it again."""
        title = _("Segmentation of {name}").format(name=result.volumeName)
        self._history.record(Step(title, change, self._result, result))
        self.show(result)

    def show(self, result: RunResult | None) -> None:
        """With None, or without its segmentation, only the way back or forth, if there is one."""
        if result is not None and slicer.mrmlScene.GetNodeByID(result.segmentationId) is None:
            result = None
        self._result = result
        ui, history = self._ui, self._history
        if result is not None:
            ui.summaryLabel.text = summaryText(result)
            fillTable(ui.resultsTable, resultColumns(result), resultRows(result))
            self._later.start(0)
        else:
            ui.summaryLabel.text = _("Undone.")
        ui.show3DButton.setSegmentationNode(self._segmentation())
        for widget in (ui.resultsTable, ui.show3DButton, ui.openEditorButton, ui.statisticsButton, ui.copyPythonButton):
            widget.visible = result is not None
        ui.vertebraePanel.visible = result is not None and result.hasVertebrae
        for button, title in ((ui.undoButton, history.undoTitle), (ui.redoButton, history.redoTitle)):
            button.enabled = bool(title)
            button.toolTip = title
        ui.resultsSection.visible = result is not None or bool(history.redoTitle)

    def clear(self) -> None:
        self._history.clear()
        self.show(None)

    def forget(self, node) -> None:
        """A node is about to go: no result without its segmentation."""
        gone = self._result is not None and node.GetID() == self._result.segmentationId
        if self._history.forget(node):
            self.show(None if gone else self._result)

    def _segmentation(self):
        return slicer.mrmlScene.GetNodeByID(self._result.segmentationId) if self._result else None

    def _renumber(self, steps: int) -> None:
        node, before = self._segmentation(), self._result
        change = SegmentationSwap(node)
        after = before.withVertebraeMoved(self._logic.renumberVertebrae(node, steps), steps)
        self._history.record(Step(_("Vertebrae renamed"), change, before, after))
        self.show(after)

    def _onOpenEditor(self) -> None:
        result = self._result
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
        editor.setSegmentationNode(self._segmentation())
        volume = slicer.mrmlScene.GetNodeByID(result.volumeId)
        if volume is not None:
            editor.setSourceVolumeNode(volume)

    def _onStatistics(self) -> None:
        volume = slicer.mrmlScene.GetNodeByID(self._result.volumeId)
        with slicer.util.WaitCursor():
            self._logic.showStatistics(self._segmentation(), volume)

    def _onCopyPython(self) -> None:
        if self._result is not None:
            slicer.app.clipboard().setText(pythonSnippet(self._result))
