"""Pelvis, spine and thighs as a small picture: a click on a bone chooses it or leaves it out."""

from __future__ import annotations

from collections.abc import Callable

import qt

from BoneSegLib.anatomy import BY_ID
from BoneSegWidgets.boneShapes import SIZE, boneShapes
from BoneSegWidgets.texts import boneName

_SCALE = 0.74
_SHARP = 2
"""Pixels of the drawing for each of the widget, for screens that show them."""

_GREY = (128, 128, 128)
"""Of what is left out; it can be seen on light and dark alike."""


class BonePicture:
    """Buttons in the shapes of the bones. ``toggled(structureId, on)`` is called for each change."""

    def __init__(self, container, toggled: Callable[[str, bool], None]) -> None:
        self._buttons: dict[str, object] = {}
        container.setFixedSize(round(_SCALE * SIZE[0]), round(_SCALE * SIZE[1]))
        for structureId, shape in boneShapes().items():
            self._buttons[structureId] = _button(container, structureId, shape)
            self._buttons[structureId].connect("toggled(bool)", lambda on, each=structureId: toggled(each, on))

    def choose(self, structureId: str, on: bool) -> None:
        self._buttons[structureId].checked = on

    def button(self, structureId: str):
        return self._buttons[structureId]


def _button(container, structureId: str, shape):
    structure = BY_ID[structureId]
    button = qt.QToolButton(container)
    # Only the drawing: no frame, and clicks beside it go to what lies below.
    button.setStyleSheet("QToolButton { border: none; background: transparent; padding: 0px; }")
    width, height = round(_SCALE * SIZE[0]), round(_SCALE * SIZE[1])
    button.setGeometry(0, 0, width, height)
    button.setIconSize(qt.QSize(width, height))
    icon = qt.QIcon(_drawn(shape, structure.color, True, _SHARP))
    icon.addPixmap(_drawn(shape, structure.color, False, _SHARP), qt.QIcon.Normal, qt.QIcon.Off)
    icon.addPixmap(_drawn(shape, structure.color, True, _SHARP), qt.QIcon.Normal, qt.QIcon.On)
    button.setIcon(icon)
    button.setMask(_drawn(shape, structure.color, True, 1).mask())
    button.setCheckable(True)
    button.checked = True
    button.setFocusPolicy(qt.Qt.NoFocus)
    button.toolTip = boneName(structure.id, structure.name)
    return button


def _drawn(shape, color: tuple[int, int, int], chosen: bool, sharpness: int):
    """The whole picture with this bone alone."""
    pixmap = qt.QPixmap(round(_SCALE * SIZE[0]) * sharpness, round(_SCALE * SIZE[1]) * sharpness)
    pixmap.fill(qt.QColor(0, 0, 0, 0))
    painter = qt.QPainter(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing, True)
    painter.scale(_SCALE * sharpness, _SCALE * sharpness)
    fill = qt.QColor(*color) if chosen else qt.QColor(*_GREY, 40)
    pen = qt.QPen(fill.darker(165) if chosen else qt.QColor(*_GREY))
    pen.setWidthF(1.2)
    if not chosen:
        pen.setStyle(qt.Qt.DashLine)
    painter.setPen(pen)
    painter.setBrush(qt.QBrush(fill))
    painter.drawPath(shape)
    painter.end()
    pixmap.setDevicePixelRatio(sharpness)
    return pixmap
