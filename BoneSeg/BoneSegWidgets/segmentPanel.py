"""The choices of a run: what they are, what they mean for this volume, and whether a run can begin."""

from __future__ import annotations

from pathlib import Path

import ctk
import slicer
from slicer.i18n import tr as _

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.errors import Cancelled
from BoneSegLib.options import SegmentOptions
from BoneSegLib.scene.sequence import Frames, frames_of
from BoneSegLib.worker.estimate import Estimate
from BoneSegLib.worker.events import Estimated
from BoneSegWidgets import settings
from BoneSegWidgets.bonePicker import BonePicker
from BoneSegWidgets.inputReport import InputReport, reportOn
from BoneSegWidgets.region import regionOf
from BoneSegWidgets.texts import deviceName, duration, gigabytes, inWindow


class SegmentPanel:
    """``changed()`` is called when a person changes something that matters to time, memory or whether to begin."""

    def __init__(self, ui, changed) -> None:
        self._ui = ui
        self._changed = changed
        self._parameters = None
        self._report: InputReport | None = None
        self._expectedSeconds: float | None = None
        self.bones = BonePicker(ui.bonePicker, self._onBones)
        _fill(ui.qualityComboBox, [("full", _("Full")), ("fast", _("Fast"))])
        _fill(ui.deviceComboBox, _devices())
        _fill(
            ui.replaceComboBox,
            [("chosen", _("Replace only the bones chosen here")), ("all", _("Replace all its bones"))],
        )
        _select(ui.deviceComboBox, settings.readText("device", "auto"))
        ui.modelPathEdit.filters = ctk.ctkPathLineEdit.Dirs
        ui.modelPathEdit.currentPath = settings.readText("modelFolder")
        ui.show3DCheckBox.checked = settings.readFlag("show3D", True)
        ui.qualityComboBox.connect("currentIndexChanged(int)", self._onQuality)
        ui.deviceComboBox.connect("currentIndexChanged(int)", self._onMachine)
        ui.modelPathEdit.connect("currentPathChanged(QString)", self._onMachine)
        ui.show3DCheckBox.connect("toggled(bool)", self._onMachine)
        ui.forceCheckBox.connect("toggled(bool)", self._onForce)
        ui.framesComboBox.connect("currentIndexChanged(int)", self._onFrames)
        self.showReport(None)

    @property
    def report(self) -> InputReport | None:
        return self._report

    @property
    def expectedSeconds(self) -> float | None:
        """What was told of the present choices."""
        return self._expectedSeconds

    def chosenFrames(self, volumeNode) -> Frames | None:
        """The frames to segment; None for the volume as it is shown."""
        return frames_of(volumeNode) if _data(self._ui.framesComboBox) == "each" else None

    @property
    def keepsOtherBones(self) -> bool:
        return self._ui.replaceComboBox.currentIndex == 0

    def setParameters(self, parameters) -> None:
        """The parameter node to read and write; None while there is none."""
        self._parameters = parameters
        self.followParameters()

    def followParameters(self) -> None:
        """Shows what the parameter node has, of what is not connected to it; a scene that is loaded may change it."""
        parameters = self._parameters
        if parameters is None:
            return
        self.bones.choose(parameters.bones.split(",") if parameters.bones else BY_ID)
        _select(self._ui.qualityComboBox, parameters.quality)
        self._showOutput(parameters.outputSegmentation)

    def options(self) -> SegmentOptions:
        """Raises a BoneSegError for a region outside of view."""
        parameters = self._parameters
        model = self._ui.modelPathEdit.currentPath.strip()
        chosen = self.bones.chosen()
        return SegmentOptions(
            structures=None if len(chosen) == len(BY_ID) else chosen,
            quality=parameters.quality,
            device=_data(self._ui.deviceComboBox),
            model=Path(model) if model else None,
            mirroring=parameters.mirroring,
            roi=regionOf(parameters.inputVolume, parameters.region, parameters.visiblePartOnly),
            force=self._ui.forceCheckBox.checked,
            drop_islands=parameters.cleanUp,
            fill_holes=parameters.cleanUp,
            refine=parameters.refine,
        )

    def reasonNotToBegin(self) -> str:
        """Empty when nothing is in the way."""
        if self._parameters is None or self._parameters.inputVolume is None:
            return _("Choose a CT volume.")
        if self._report is None or self._report.volume is None or self._report.errors:
            return _("This volume cannot be segmented; see above.")
        if self._report.needsAnswer and not self._ui.forceCheckBox.checked:
            return _("Read the warning about the volume first.")
        if not self.bones.chosen():
            return _("Choose at least one bone.")
        return ""

    def look(self, volumeNode) -> None:
        """Examines the volume and tells about it."""
        self._ui.forceCheckBox.checked = False
        if volumeNode is None:
            self.showReport(None)
            return
        with slicer.util.WaitCursor():
            self.showReport(reportOn(volumeNode))

    def showReport(self, report: InputReport | None) -> None:
        ui, self._report = self._ui, report
        lines = [] if report is None else [report.line, *report.notes]
        ui.inputReport.text = "\n".join(line for line in lines if line)
        ui.inputReport.visible = bool(ui.inputReport.text)
        troubles = () if report is None else (*report.errors, *report.warnings)
        ui.inputWarningLabel.text = "\n".join(troubles)
        ui.inputWarning.visible = bool(troubles)
        ui.forceCheckBox.visible = report is not None and report.needsAnswer
        self._offerFrames(1 if report is None or report.errors else report.frames)

    def _offerFrames(self, count: int) -> None:
        combo = self._ui.framesComboBox
        combo.blockSignals(True)
        combo.clear()
        each = _("Segment each of the {count} frames").format(count=count)
        _fill(combo, [("shown", _("Segment the frame that is shown")), ("each", each)][: 1 if count < 2 else 2])
        combo.blockSignals(False)
        combo.visible = count > 1

    def _onFrames(self, _index=0) -> None:
        self._changed()

    def _showOutput(self, segmentationNode) -> None:
        """An existing segmentation with bones of ours asks what to replace."""
        ids = () if segmentationNode is None else segmentationNode.GetSegmentation().GetSegmentIDs()
        self._ui.replaceComboBox.visible = any(segmentId in BY_ID for segmentId in ids)

    def showEstimate(self, estimated: Estimated | None) -> None:
        """A forecast, why there is none, or nothing at all."""
        text = ""
        self._expectedSeconds = None
        if estimated is not None and estimated.estimate is not None:
            each = _data(self._ui.framesComboBox) == "each"
            text = estimateText(estimated.estimate, self._report.frames if each and self._report else 1)
            self._expectedSeconds = estimated.estimate.seconds
        elif estimated is not None and not isinstance(estimated.error, Cancelled):
            text = inWindow(estimated.error.message)
        self._ui.estimateLabel.text = text
        self._ui.estimateLabel.visible = bool(text)

    def showEstimating(self) -> None:
        self._expectedSeconds = None
        self._ui.estimateLabel.text = _("Estimating time and memory...")
        self._ui.estimateLabel.visible = True

    def setEnabled(self, enabled: bool) -> None:
        """While a run goes on, its choices cannot be changed."""
        ui = self._ui
        for widget in (
            *(ui.inputSelector, ui.framesComboBox, ui.replaceComboBox, ui.bonePicker, ui.qualityComboBox),
            *(ui.advancedSection, ui.forceCheckBox),
        ):
            widget.enabled = enabled
        # Frames go into a new sequence of segmentations.
        ui.outputSelector.enabled = enabled and _data(ui.framesComboBox) != "each"

    def _onBones(self) -> None:
        if self._parameters is not None:
            chosen = self.bones.chosen()
            self._parameters.bones = "" if len(chosen) == len(BY_ID) else ",".join(chosen) or ","
        self._changed()

    def _onQuality(self, _index=0) -> None:
        if self._parameters is not None:
            self._parameters.quality = _data(self._ui.qualityComboBox)
            self._changed()

    def _onMachine(self, _value=None) -> None:
        settings.write("device", _data(self._ui.deviceComboBox))
        settings.write("modelFolder", self._ui.modelPathEdit.currentPath)
        settings.write("show3D", self._ui.show3DCheckBox.checked)
        self._changed()

    def _onForce(self, _on=False) -> None:
        self._changed()


def estimateText(estimate: Estimate, frames: int = 1) -> str:
    """Where, how long (all ``frames`` together), how much memory; a warning when that is not there."""
    parts = [_("On the {device}").format(device=deviceName(estimate.device))]
    if estimate.seconds is not None:
        parts.append(_("about {duration}").format(duration=duration(frames * estimate.seconds)))
    if estimate.memory_bytes is not None:
        parts.append(_("{size} of memory").format(size=gigabytes(estimate.memory_bytes)))
    text = ", ".join(parts) + "."
    if estimate.memory_bytes and estimate.free_bytes and estimate.memory_bytes > estimate.free_bytes:
        text += " " + _("Only {size} are free: choose fewer bones or a region.").format(
            size=gigabytes(estimate.free_bytes)
        )
    return text


def _devices() -> list[tuple[str, str]]:
    return [
        ("auto", _("Automatic: a graphics card, if there is one")),
        ("cpu", _("Processor (CPU)")),
        ("cuda", _("NVIDIA GPU (CUDA)")),
        ("mps", _("Apple GPU (MPS)")),
    ]


def _fill(combo, items) -> None:
    for data, text in items:
        combo.addItem(text, data)


def _select(combo, data: str) -> None:
    combo.setCurrentIndex(max(0, combo.findData(data)))


def _data(combo) -> str:
    return str(combo.itemData(combo.currentIndex))
