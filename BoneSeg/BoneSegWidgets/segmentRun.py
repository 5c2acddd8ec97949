"""One click on Segment: from the choices to the bones in the scene, or to nothing at all."""

from __future__ import annotations

from dataclasses import dataclass

import slicer
from slicer.i18n import tr as _

from BoneSegLib.errors import Cancelled, InputError
from BoneSegLib.options import SegmentOptions
from BoneSegLib.scene.read import volume_from_node
from BoneSegLib.scene.sequence import Frames, write_frames
from BoneSegLib.worker.events import Failed
from BoneSegLib.worker.failures import from_exception
from BoneSegWidgets.runResult import RunResult
from BoneSegWidgets.runSeries import RunSeries
from BoneSegWidgets.texts import duration
from BoneSegWidgets.undo import FramesSwap, SegmentationSwap


@dataclass(frozen=True)
class _Going:
    """What the run that goes on was begun with. Nodes by their ids: they may be deleted meanwhile."""

    volumeId: str
    segmentationId: str
    options: SegmentOptions
    keepOtherBones: bool
    parameters: object
    frames: Frames | None


class SegmentRun:
    """``update()`` is called when a run has begun or ended."""

    def __init__(self, ui, logic, controller, panel, results, errors, update) -> None:
        self._ui = ui
        self._logic = logic
        self._controller = controller
        self._panel = panel
        self._results = results
        self._errors = errors
        self._update = update
        self._going: _Going | None = None
        self._series: RunSeries | None = None
        self._isCancelling = False
        self._volumeWasDeleted = False

    @property
    def isRunning(self) -> bool:
        return self._going is not None

    def start(self, parameters) -> None:
        self._errors.clear()
        try:
            options = self._panel.options()
            frames = self._panel.chosenFrames(parameters.inputVolume)
            self._series = RunSeries(
                self._controller,
                _begins(parameters.inputVolume, frames, options),
                self._progressed,
                self._ended,
                self._panel.expectedSeconds,
            )
            self._series.start()
        except Exception as error:
            self._errors.show(from_exception(error))
            return
        output = parameters.outputSegmentation
        self._going = _Going(
            parameters.inputVolume.GetID(),
            output.GetID() if output is not None else "",
            options,
            self._panel.keepsOtherBones,
            parameters,
            frames,
        )
        self._isCancelling = self._volumeWasDeleted = False
        self._progressed(0.0, _("Starting"), None)
        self._update()

    def cancel(self) -> None:
        self._isCancelling = True
        self._controller.cancel()
        self._ui.progressLabel.text = _("Cancelling")
        self._update()

    def abandon(self) -> None:
        """The scene is closed: there is nothing left to write to, and nobody to tell."""
        self._going = None
        self._update()

    def forget(self, node) -> None:
        """A node is about to go. Without its volume a run makes no sense; without its segmentation it makes another."""
        if self._going is not None and node.GetID() == self._going.volumeId:
            self._volumeWasDeleted = True
            self.cancel()

    def showState(self, reasonNotToBegin: str) -> None:
        """Button, progress and choices, as they should be now."""
        ui, running = self._ui, self.isRunning
        ui.segmentButton.text = _("Cancel") if running else _("Segment")
        ui.segmentButton.enabled = not self._isCancelling if running else not reasonNotToBegin
        ui.segmentButton.toolTip = _("Stop; the scene stays as it is") if running else reasonNotToBegin
        ui.progressPanel.visible = running
        self._panel.setEnabled(not running)

    def _progressed(self, fraction: float, message: str, secondsLeft) -> None:
        if self._isCancelling:
            return
        self._ui.progressBar.value = round(1000 * fraction)
        if self._going is not None and self._going.frames is not None:
            number, count = self._series.current + 1, self._going.frames.count
            text = _("Frame {number} of {count}: {message}")
            message = text.format(number=number, count=count, message=message[:1].lower() + message[1:])
        if secondsLeft is None:
            self._ui.progressLabel.text = message
        else:
            text = _("{message}, about {duration} left")
            self._ui.progressLabel.text = text.format(message=message, duration=duration(secondsLeft))

    def _ended(self, outcome) -> None:
        going, self._going = self._going, None
        self._isCancelling = False
        try:
            if self._volumeWasDeleted:
                raise InputError(_("The volume was deleted during the run."), remedy=_("Nothing else was changed."))
            if isinstance(outcome, Failed):
                raise outcome.error
            with slicer.util.WaitCursor():
                self._write(going, outcome)
        except Cancelled:
            slicer.util.showStatusMessage(_("Cancelled. Nothing was changed."), 5000)
        except Exception as error:
            self._errors.show(from_exception(error))
        self._update()

    def _write(self, going: _Going, events) -> None:
        volumeNode = slicer.mrmlScene.GetNodeByID(going.volumeId)
        if volumeNode is None:
            raise InputError(_("The volume was deleted during the run."), remedy=_("Nothing else was changed."))
        if going.frames is not None:
            node, change = self._writeFrames(going.frames, [event.labels for event in events])
            finished = events[going.frames.shown]
        else:
            (finished,) = events
            node, change = self._writeVolume(going, volumeNode, finished.labels)
        if self._ui.show3DCheckBox.checked:
            _center3DView()
        result = RunResult(
            finished, node.GetID(), going.volumeId, volumeNode.GetName(), going.options, frames=len(events)
        )
        self._results.add(result, change)
        parameters = going.parameters
        # Another volume may have been chosen meanwhile: its bones must not replace those of this one.
        if parameters.inputVolume is volumeNode:
            parameters.outputSegmentation = None if going.frames else node
        if parameters.testSegmentation is None:
            parameters.testSegmentation = node

    def _writeVolume(self, going: _Going, volumeNode, labels):
        existing = slicer.mrmlScene.GetNodeByID(going.segmentationId) if going.segmentationId else None
        change = SegmentationSwap(existing)
        node = self._logic.writeLabels(labels, volumeNode, existing, keepOtherBones=going.keepOtherBones)
        change.wentInto(node)
        if self._ui.show3DCheckBox.checked:
            node.CreateClosedSurfaceRepresentation()
        return node, change

    def _writeFrames(self, frames: Frames, labels):
        name = _("{name} bones").format(name=frames.volume_node.GetName())
        node = write_frames(frames, labels, name=name, surfaces=self._ui.show3DCheckBox.checked)
        return node, FramesSwap(frames, node)


def _begins(volumeNode, frames: Frames | None, options: SegmentOptions) -> list:
    """A run for the volume, or for each of its frames; images are read when their turn comes."""
    if frames is not None:
        return [lambda client, number=n: client.segment(frames.volume(number), options) for n in range(frames.count)]
    # Not the one that was looked at when it was chosen: the image may have been exchanged since.
    return [lambda client: client.segment(volume_from_node(volumeNode), options)]


def _center3DView() -> None:
    """New bones may lie far from what the view showed."""
    layoutManager = slicer.app.layoutManager()
    if layoutManager is not None and layoutManager.threeDViewCount > 0:
        layoutManager.threeDWidget(0).threeDView().resetFocalPoint()
