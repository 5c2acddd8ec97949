"""Which segment is compared with which: proposed, and corrected by a person."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from BoneSegLib.errors import BoneSegError
from BoneSegWidgets.tables import Column, fillTable

_ROW_HEIGHT = 26
_NOTHING = ""


class MatchPanel:
    """A table in which the match of each segment of the reference can be chosen. ``changed()``: somebody chose."""

    def __init__(self, ui, logic, changed: Callable[[], None]) -> None:
        self._ui = ui
        self._logic = logic
        self._changed = changed
        self._nodes: tuple = (None, None)
        self._matches: dict[str, str | None] = {}
        self._boxes: dict[str, object] = {}
        # The box that was clicked must live until its signal is over.
        self._later = qt.QTimer(ui.matchTable)
        self._later.setSingleShot(True)
        self._later.connect("timeout()", self.refresh)
        ui.comparisonDetails.connect("contentsCollapsed(bool)", self._onCollapsed)
        ui.resetMatchesButton.connect("clicked()", self.reset)
        self.refresh()

    @property
    def matches(self) -> dict[str, str | None]:
        """What a person chose: segment id of the reference to that of the test, or to None."""
        return dict(self._matches)

    def box(self, segmentId: str):
        """The choice for a segment of the reference."""
        return self._boxes[segmentId]

    def show(self, reference, test) -> None:
        """Corrections hold for one pair of nodes."""
        if (reference, test) != self._nodes:
            self._nodes = (reference, test)
            self._matches = {}
            self.refresh()

    def reset(self) -> None:
        self._matches = {}
        self.refresh()
        self._changed()

    def refresh(self) -> None:
        """Looks at the segments again, if anybody sees it."""
        if self._ui.comparisonDetails.collapsed:
            return
        rows, text = [], _("Choose two segmentations to see which of their segments are compared.")
        if None not in self._nodes and self._nodes[0] is not self._nodes[1]:
            try:
                rows = self._logic.matchTable(*self._nodes, self.matches)
                text = _summary(rows)
            except BoneSegError as error:
                text = error.message
        self._fill(rows)
        self._ui.matchLabel.text = text
        self._ui.matchTable.visible = bool(rows)
        self._ui.resetMatchesButton.visible = bool(self._matches)

    def _fill(self, rows) -> None:
        table = self._ui.matchTable
        cells = [[row.reference_name or "–", row.test_name or "–", _howText(row)] for row in rows]
        fillTable(table, _columns(), cells, 12, _ROW_HEIGHT)
        choices = [(row.test_id, row.test_name) for row in rows if row.test_id]
        self._boxes = {}
        for number, row in enumerate(rows):
            if row.reference_id:
                box = _choice(choices, row.test_id)
                box.connect("activated(int)", lambda index, row=row, box=box: self._onChosen(row, box.itemData(index)))
                table.setCellWidget(number, 1, box)
                self._boxes[row.reference_id] = box

    def _onChosen(self, row, testId: str) -> None:
        if testId == row.test_id:
            return
        # Whom the segment was taken from keeps the rest of its choices.
        self._matches = {one: other for one, other in self._matches.items() if other != testId or not testId}
        self._matches[row.reference_id] = testId or None
        self._later.start(0)
        self._changed()

    def _onCollapsed(self, _isCollapsed=False) -> None:
        self.refresh()


def _columns() -> list[Column]:
    return [Column(_("Reference"), wide=True), Column(_("Compared with it"), wide=True), Column(_("Matched by"))]


def _choice(choices, chosen: str):
    box = qt.QComboBox()
    box.addItem(_("– nothing –"), _NOTHING)
    for segmentId, name in choices:
        box.addItem(name, segmentId)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    return box


def _howText(row) -> str:
    known = {
        "table": _("you"),
        "terminology": _("code"),
        "id": _("id"),
        "name": _("name"),
        "bone": _("being the same bone"),
    }
    return known.get(row.by, "")


def _summary(rows) -> str:
    pairs = sum(bool(row.reference_id and row.test_id) for row in rows)
    return _("{count} of {all} segments have a match.").format(count=pairs, all=len(rows))
