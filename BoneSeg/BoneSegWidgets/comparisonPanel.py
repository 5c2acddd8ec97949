"""Two segmentations compared, bone by bone: a table, and surfaces coloured by their distance."""

from __future__ import annotations

import math

import slicer
from slicer.i18n import tr as _

from BoneSegLib.errors import Cancelled, InputError
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.result import Comparison, Score
from BoneSegLib.evaluation.tables import format_number
from BoneSegLib.scene.comparison_sides import read_sides
from BoneSegLib.worker.events import Failed
from BoneSegLib.worker.failures import from_exception
from BoneSegWidgets.comparisonRun import ComparisonRun
from BoneSegWidgets.matchPanel import MatchPanel
from BoneSegWidgets.runController import RunController
from BoneSegWidgets.runSeries import RunSeries
from BoneSegWidgets.tables import Column, fillTable
from BoneSegWidgets.texts import boneName


class ComparisonPanel:
    """``failed(error)`` shows an error; ``changed()`` is called when a run begins or ends."""

    def __init__(self, ui, logic, controller: RunController, failed, changed) -> None:
        self._ui = ui
        self._logic = logic
        self._controller = controller
        self._failed = failed
        self._changed = changed
        self._comparison: Comparison | None = None
        self._distances = None
        self._compared: tuple = ("", "", {})
        self._isRunning = False
        self._matches = MatchPanel(ui, logic, changed)
        ui.compareButton.connect("clicked()", self.onCompare)
        ui.growButton.connect("clicked()", self.onGrow)
        ui.distanceButton.connect("clicked()", self.onShowDistances)
        ui.comparisonTableButton.connect("clicked()", self.onKeepTable)
        self.clear()

    @property
    def isRunning(self) -> bool:
        return self._isRunning

    @property
    def comparison(self) -> Comparison | None:
        """The last one."""
        return self._comparison

    @property
    def matches(self) -> MatchPanel:
        return self._matches

    def clear(self) -> None:
        """No result, and nobody waits for one: the scene may have been closed in the middle of a run."""
        self._isRunning = False
        self._comparison = None
        self._distances = None
        for widget in (self._ui.comparisonTable, self._ui.comparisonRemark, self._ui.comparisonProgressPanel):
            widget.visible = False
        self.update()

    def update(self) -> None:
        """Which buttons can be clicked, and why not."""
        reference, test = self._nodes()
        self._matches.show(reference, test)
        self._ui.comparisonDetails.enabled = not self._isRunning
        reason = ""
        if self._controller.isRunning and not self._isRunning:
            reason = _("A segmentation is going on.")
        elif reference is None or test is None:
            reason = _("Choose two segmentations.")
        elif reference is test:
            reason = _("Choose two different segmentations.")
        self._ui.compareButton.text = _("Cancel") if self._isRunning else _("Compare")
        self._ui.compareButton.enabled = self._isRunning or not reason
        self._ui.compareButton.toolTip = reason
        self._ui.growButton.enabled = test is not None and not self._controller.isRunning
        hasTable = self._comparison is not None and not self._controller.isRunning
        for button in (self._ui.distanceButton, self._ui.comparisonTableButton):
            button.visible = self._comparison is not None
            button.enabled = hasTable

    def onCompare(self) -> None:
        if self._isRunning:
            self._controller.cancel()
            return
        reference, test = self._nodes()
        if reference is None or test is None:
            return
        self.clear()
        self._compared = (reference.GetID(), test.GetID(), self._matches.matches)
        options = CompareOptions(tolerance_mm=self._ui.toleranceSpinBox.value)
        try:
            with slicer.util.WaitCursor():
                run = ComparisonRun(self._read(reference, test, options), options)
        except Exception as error:
            self._failed(from_exception(error))
            return
        self._start(run.begins, lambda events: self._show(run.comparison(events)))

    def _read(self, reference, test, options: CompareOptions):
        ui = self._ui
        return read_sides(
            reference,
            test,
            options=options,
            matches=self._matches.matches,
            mask_node=ui.maskSelector.currentNode(),
            roi_node=ui.comparisonRegionSelector.currentNode(),
            common_field=ui.commonFieldCheckBox.checked,
        )

    def onGrow(self) -> None:
        """The cores of the chosen segmentation's bones are grown; the result becomes the reference."""
        _reference, test = self._nodes()
        volume = self._logic.volumeOf(test)

        def begin(client) -> None:
            if volume is None:
                raise InputError(
                    _("The segmentation does not say which CT it was made from."),
                    remedy=_("In the Segmentations module, set its source geometry to the CT."),
                )
            client.grow_from_seeds(*self._logic.imageAndLabels(volume, test))

        def grown(events) -> None:
            (event,) = events
            if volume.GetScene() is None:
                raise InputError(_("The volume was deleted during the run."), remedy=_("Nothing else was changed."))
            name = _("{name} grown from seeds").format(name=volume.GetName())
            node = self._logic.writeLabels(event.labels, volume, None, name)
            self._ui.referenceSelector.setCurrentNode(node)

        self._start([begin], grown)

    def onShowDistances(self) -> None:
        *pair, matches = self._compared
        reference, test = (slicer.mrmlScene.GetNodeByID(nodeId) for nodeId in pair)
        try:
            if reference is None or test is None:
                raise InputError(_("A segmentation of this comparison was deleted."), remedy=_("Compare again."))
            with slicer.util.WaitCursor():
                if self._distances is not None:
                    self._distances.remove()
                self._distances = self._logic.showDistances(reference, test, self._comparison, matches)
        except Exception as error:
            self._failed(from_exception(error))

    def onKeepTable(self) -> None:
        if self._comparison is not None:
            self._logic.comparisonPlots(self._logic.comparisonTable(self._comparison))

    def _nodes(self):
        return self._ui.referenceSelector.currentNode(), self._ui.testSelector.currentNode()

    def _start(self, begins, done) -> None:
        """``done`` gets the events of the runs that ``begins`` begin one after the other."""

        def ended(outcome) -> None:
            self._isRunning = False
            self._ui.comparisonProgressPanel.visible = False
            try:
                if isinstance(outcome, Failed):
                    raise outcome.error
                done(outcome)
            except Cancelled:
                pass
            except Exception as error:
                self._failed(from_exception(error))
            self._changed()

        try:
            RunSeries(self._controller, begins, self._progressed, ended).start()
        except Exception as error:
            self._failed(from_exception(error))
            return
        self._isRunning = True
        self._ui.comparisonProgressPanel.visible = True
        self._progressed(0.0, _("Preparing"), None)
        self._changed()

    def _progressed(self, fraction: float, message: str, _secondsLeft) -> None:
        self._ui.comparisonProgressBar.value = round(1000 * fraction)
        self._ui.comparisonProgressLabel.text = message

    def _show(self, comparison: Comparison) -> None:
        self._comparison = comparison
        # Bones that neither side has are told by the table node, not here.
        scores = [score for score in comparison.scores if math.isfinite(score.dice)]
        rows = [_row(score, comparison.name(score.structure)) for score in (*scores, comparison.mean)]
        fillTable(self._ui.comparisonTable, _columns(), rows)
        self._ui.comparisonTable.visible = True
        remarks = [
            *comparison.remarks,
            _("HD95: 95 % of the surface is closer than this. NSD: share of the surface within the tolerance."),
        ]
        self._ui.comparisonRemark.text = "\n".join(remarks)
        self._ui.comparisonRemark.visible = True
        self.update()


def _columns() -> list[Column]:
    return [
        Column(_("Bone"), wide=True),
        Column(_("Dice"), number=True),
        Column(_("HD95 mm"), number=True),
        Column(_("ASSD mm"), number=True),
        Column(_("NSD"), number=True),
        Column(_("Volume %"), number=True),
    ]


def _row(score: Score, name: str) -> list[str]:
    numbers = (
        format_number(score.dice, ".3f"),
        format_number(score.hausdorff95_mm, ".1f"),
        format_number(score.assd_mm, ".2f"),
        format_number(score.nsd, ".3f"),
        format_number(score.volume_difference_percent, "+.1f"),
    )
    return [boneName(score.structure, name), *numbers]
