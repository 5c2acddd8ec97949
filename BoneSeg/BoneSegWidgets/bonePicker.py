"""Which bones: check boxes where the bones are, seen from the front, with presets beside them."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from BoneSegLib.anatomy import BY_ID, GROUPS, STRUCTURES
from BoneSegWidgets.texts import boneName

# Row and column, as somebody stands before us: their right is on our left.
_PLACES = {
    "vertebra_L1": (0, 1),
    "vertebra_L2": (1, 1),
    "vertebra_L3": (2, 1),
    "vertebra_L4": (3, 1),
    "vertebra_L5": (4, 1),
    "hip_right": (5, 0),
    "sacrum": (5, 1),
    "hip_left": (5, 2),
    "femur_right": (6, 0),
    "femur_left": (6, 2),
}


class BonePicker:
    """Fills a widget with check boxes; ``changed`` is called when a person chooses."""

    def __init__(self, container, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._boxes: dict[str, object] = {}
        self._buttons: list = []
        self._isUpdating = False
        grid = qt.QGridLayout(container)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(1)
        for structure in STRUCTURES:
            row, column = _PLACES[structure.id]
            grid.addWidget(self._makeBox(structure), row, column)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        self._addPresets(grid)

    def chosen(self) -> tuple[str, ...]:
        """Ids in the order of their labels."""
        return tuple(structure.id for structure in STRUCTURES if self._boxes[structure.id].checked)

    def choose(self, ids) -> None:
        """Shows a choice; nobody is told."""
        self._isUpdating = True
        for structureId, box in self._boxes.items():
            box.checked = structureId in ids
        self._isUpdating = False

    def box(self, structureId: str):
        return self._boxes[structureId]

    def button(self, preset: str):
        """The button of ``all`` or of a group of `BoneSegLib.anatomy.GROUPS`."""
        return next(button for name, button in self._buttons if name == preset)

    def _makeBox(self, structure):
        box = qt.QCheckBox(boneName(structure.id, structure.name))
        box.setIcon(colorIcon(structure.color))
        box.checked = True
        box.connect("toggled(bool)", self._onToggled)
        self._boxes[structure.id] = box
        return box

    def _addPresets(self, grid) -> None:
        presets = [
            ("all", _("All bones"), tuple(BY_ID), 0, 0),
            ("pelvis", _("Pelvis"), GROUPS["pelvis"], 2, 0),
            ("lumbar_spine", _("Lumbar spine"), GROUPS["lumbar_spine"], 0, 2),
            ("hips_and_femurs", _("Hips and femurs"), GROUPS["hips_and_femurs"], 2, 2),
        ]
        for name, text, ids, row, column in presets:
            button = qt.QPushButton(text)
            button.toolTip = _("Choose these bones and no others")
            button.connect("clicked()", lambda ids=ids: self._onPreset(ids))
            # Two rows of check boxes make room for one button.
            grid.addWidget(button, row, column, 2, 1)
            self._buttons.append((name, button))

    def _onPreset(self, ids) -> None:
        self.choose(ids)
        self._changed()

    def _onToggled(self, on=False) -> None:
        if not self._isUpdating:
            self._changed()


def colorIcon(color: tuple[int, int, int]):
    """A small square of a segment's colour."""
    pixmap = qt.QPixmap(12, 12)
    pixmap.fill(qt.QColor(*color))
    return qt.QIcon(pixmap)
