"""What a run has found: a line on how, a table of the bones, and what can be done next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import slicer
from slicer.i18n import tr as _

from BoneSegLib.options import SegmentOptions
from BoneSegWidgets.bonePicker import colorIcon
from BoneSegWidgets.pythonSnippet import pythonSnippet
from BoneSegWidgets.tables import Column, fillTable
from BoneSegWidgets.texts import boneName, deviceName
from BoneSegWidgets.undo import RunUndo


@dataclass(frozen=True)
class RunResult:
    """A run that is in the scene now."""

    finished: object
    segmentationId: str
    volumeId: str
    volumeName: str
    options: SegmentOptions
    undo: RunUndo


class ResultsPanel:
    """``failing(function)`` runs a function and shows its errors; ``makeTable`` makes the statistics table node."""

    def __init__(self, ui, makeTable: Callable, failing: Callable) -> None:
        self._ui = ui
        self._makeTable = makeTable
        self._failing = failing
        self._result: RunResult | None = None
        ui.openEditorButton.connect("clicked()", lambda: failing(self._onOpenEditor))
        ui.undoButton.connect("clicked()", lambda: failing(self._onUndo))
        ui.statisticsButton.connect("clicked()", lambda: failing(self._onStatistics))
        ui.copyPythonButton.connect("clicked()", self._onCopyPython)
        self.clear()

    @property
    def result(self) -> RunResult | None:
        return self._result

    def show(self, result: RunResult) -> None:
        self._result = result
        finished = result.finished
        self._ui.summaryLabel.text = summaryText(finished.labels.info, finished.flags)
        fillTable(self._ui.resultsTable, _columns(), [_row(each, finished) for each in finished.labels.structures])
        self._ui.show3DButton.setSegmentationNode(self._segmentation())
        self._ui.resultsSection.visible = True

    def clear(self) -> None:
        self._result = None
        self._ui.show3DButton.setSegmentationNode(None)
        self._ui.resultsSection.visible = False

    def forget(self, node) -> None:
        """A node is about to go: no result without its segmentation."""
        if self._result is not None and node.GetID() == self._result.segmentationId:
            self.clear()

    def _segmentation(self):
        return slicer.mrmlScene.GetNodeByID(self._result.segmentationId) if self._result else None

    def _onOpenEditor(self) -> None:
        result = self._result
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
        editor.setSegmentationNode(self._segmentation())
        volume = slicer.mrmlScene.GetNodeByID(result.volumeId)
        if volume is not None:
            editor.setSourceVolumeNode(volume)

    def _onUndo(self) -> None:
        result = self._result
        self.clear()
        result.undo.undo()

    def _onStatistics(self) -> None:
        volume = slicer.mrmlScene.GetNodeByID(self._result.volumeId)
        with slicer.util.WaitCursor():
            self._makeTable(self._segmentation(), volume)

    def _onCopyPython(self) -> None:
        if self._result is not None:
            slicer.app.clipboard().setText(pythonSnippet(self._result.volumeName, self._result.options))


def summaryText(info: dict, flags: dict) -> str:
    """One line: with what, where, how long; a second one when bones deserve a look."""
    line = _("Model {model}, quality {quality}, on the {device}, {seconds} s.").format(
        model=info.get("model", "?"),
        quality=info.get("quality", "?"),
        device=deviceName(str(info.get("device", "?"))),
        seconds=f"{float(info.get('seconds_total', 0.0)):.0f}",
    )
    notes = [str(note) for note in info.get("notes", ())]
    if flags:
        notes.append(_("Please look again at the bones with a remark."))
    return "\n".join([line, *notes])


def _columns() -> list[Column]:
    return [
        Column(_("Bone")),
        Column(_("Volume (ml)"), number=True),
        Column(_("Mean HU"), number=True),
        Column(_("Remark"), wide=True),
    ]


def _row(structure, finished) -> list:
    measure = finished.measures.get(structure.id)
    flags = [flagText(flag) for flag in finished.flags.get(structure.id, ())]
    return [
        (boneName(structure.id, structure.name), colorIcon(structure.color)),
        "–" if measure is None else f"{measure['volume_ml']:.1f}",
        "–" if measure is None else f"{measure['hu_mean']:.0f}",
        ", ".join(flags),
    ]


def flagText(flag: str) -> str:
    """A flag in the user's language."""
    known = {
        "not found": _("not found"),
        "cut by the field of view": _("cut by the field of view"),
        "side doubtful": _("side doubtful"),
        "unusually small": _("unusually small"),
        "unusually large": _("unusually large"),
    }
    if flag.endswith(" fragments"):
        return _("{count} fragments").format(count=flag.split()[0])
    return known.get(flag, flag)
