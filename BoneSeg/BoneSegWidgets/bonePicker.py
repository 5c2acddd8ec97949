"""Which bones: a picture to click on, presets, and a check box for each bone with its name and colour."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from BoneSegLib.anatomy import BY_ID, GROUPS, STRUCTURES
from BoneSegWidgets.bonePicture import BonePicture
from BoneSegWidgets.texts import boneName

_PRESET_ROWS = 2
# Row and column below the presets.
_PLACES = {
    **{f"vertebra_L{number}": (number - 1, 0) for number in range(1, 6)},
    **{name: (row, 1) for row, name in enumerate(("sacrum", "hip_right", "hip_left", "femur_right", "femur_left"))},
}


class BonePicker:
    """Fills a widget with check boxes; ``changed`` is called when a person chooses."""

    def __init__(self, container, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._boxes: dict[str, object] = {}
        self._buttons: list = []
        self._isUpdating = False
        row = qt.QHBoxLayout(container)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        place = qt.QWidget()
        self.picture = BonePicture(place, self._onPicture)
        row.addWidget(place)
        grid = qt.QGridLayout()
        grid.setVerticalSpacing(3)
        self._addPresets(grid)
        for structure in STRUCTURES:
            line, column = _PLACES[structure.id]
            grid.addWidget(self._makeBox(structure), line + _PRESET_ROWS, column)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(_PRESET_ROWS + 5, 1)
        row.addLayout(grid, 1)

    def chosen(self) -> tuple[str, ...]:
        """Ids in the order of their labels."""
        return tuple(structure.id for structure in STRUCTURES if self._boxes[structure.id].checked)

    def choose(self, ids) -> None:
        """Shows a choice; nobody is told."""
        self._isUpdating = True
        for structureId, box in self._boxes.items():
            box.checked = structureId in ids
            self.picture.choose(structureId, structureId in ids)
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
        box.connect("toggled(bool)", lambda on, each=structure.id: self._onBox(each, on))
        self._boxes[structure.id] = box
        return box

    def _addPresets(self, grid) -> None:
        presets = [
            ("all", _("All bones"), tuple(BY_ID), 0, 0),
            ("pelvis", _("Pelvis"), GROUPS["pelvis"], 0, 1),
            ("lumbar_spine", _("Lumbar spine"), GROUPS["lumbar_spine"], 1, 0),
            ("hips_and_femurs", _("Hips and femurs"), GROUPS["hips_and_femurs"], 1, 1),
        ]
        for name, text, ids, row, column in presets:
            button = qt.QPushButton(text)
            button.toolTip = _("Choose these bones and no others")
            button.connect("clicked()", lambda ids=ids: self._onPreset(ids))
            grid.addWidget(button, row, column)
            self._buttons.append((name, button))

    def _onPreset(self, ids) -> None:
        self.choose(ids)
        self._changed()

    def _onBox(self, structureId: str, on: bool) -> None:
        if not self._isUpdating:
            self.picture.choose(structureId, on)
            self._changed()

    def _onPicture(self, structureId: str, on: bool) -> None:
        """The box follows, and tells of it."""
        if not self._isUpdating:
            self._boxes[structureId].checked = on


def colorIcon(color: tuple[int, int, int]):
    """A small square of a segment's colour."""
    pixmap = qt.QPixmap(12, 12)
    pixmap.fill(qt.QColor(*color))
    return qt.QIcon(pixmap)
