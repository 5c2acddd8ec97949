"""The CTK widgets that the module uses, with the properties and signals of the originals."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Qt, Signal

from Testing.qt_runtime.properties import prop, with_setters


@with_setters
class ctkCollapsibleButton(QtWidgets.QWidget):
    """A section with a title that folds its contents away."""

    contentsCollapsed = Signal(bool)
    toggled = Signal(bool)
    clicked = Signal(bool)
    TITLE_HEIGHT = 24

    def __init__(self, text="", parent=None):
        if not isinstance(text, str):
            text, parent = "", text
        super().__init__(parent)
        self.setContentsMargins(0, self.TITLE_HEIGHT, 0, 0)
        self.text = text

    def _fold(self, *_):
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                self._fold_child(child)
        self.setMaximumHeight(self.TITLE_HEIGHT if self.collapsed else 16777215)
        self.contentsCollapsed.emit(self.collapsed)
        self.toggled.emit(not self.collapsed)
        self.update()

    def _fold_child(self, child):
        """As CTK does it: what was hidden by itself stays hidden when the section is opened again."""
        if self.collapsed and not child.property("folded"):
            child.setProperty("hiddenBefore", child.isHidden())
            child.setProperty("folded", True)
            child.setVisible(False)
        elif not self.collapsed:
            child.setProperty("folded", False)
            if not child.property("hiddenBefore"):
                child.setVisible(True)

    text = prop(str, "", lambda self, value: self.update())
    collapsed = prop(bool, False, _fold)
    checked = Property(bool, lambda self: not self.collapsed, lambda self, on: setattr(self, "collapsed", not on))
    collapsedHeight = prop(int, 0)
    contentsFrameShape = prop(int, 0)
    flat = prop(bool, False)

    def showEvent(self, event):
        super().showEvent(event)
        if self.collapsed:  # the children came after the property
            self._fold()

    def mousePressEvent(self, event):
        if event.position().y() < self.TITLE_HEIGHT:
            self.collapsed = not self.collapsed
            self.clicked.emit(not self.collapsed)

    def paintEvent(self, event):
        painter = QtGui.QPainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, self.width, self.TITLE_HEIGHT)
        self.style().drawPrimitive(QtWidgets.QStyle.PE_PanelButtonCommand, option, painter, self)
        painter.drawText(option.rect.adjusted(26, 0, 0, 0), Qt.AlignVCenter, self.text)
        option.rect = QtCore.QRect(8, 7, 10, 10)
        arrow = QtWidgets.QStyle.PE_IndicatorArrowRight if self.collapsed else QtWidgets.QStyle.PE_IndicatorArrowDown
        self.style().drawPrimitive(arrow, option, painter, self)


class Row(QtWidgets.QWidget):
    """Widgets side by side, without margins."""

    def add_row(self, *widgets):
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for widget in widgets:
            layout.addWidget(widget)


@with_setters
class ctkPathLineEdit(Row):
    """A path with a button to browse for it."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)
    Dirs, Files, Readable, Writable, Executable = 1, 2, 16, 32, 64

    def __init__(self, parent=None):
        super().__init__(parent)
        self._edit, browse = QtWidgets.QComboBox(), QtWidgets.QToolButton()
        self._edit.setEditable(True)
        self._edit.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Fixed)
        browse.text = "..."
        self.add_row(self._edit, browse)
        self._edit.currentTextChanged.connect(self.currentPathChanged)

    currentPath = Property(
        str, lambda self: self._edit.currentText, lambda self, path: self._edit.setEditText(str(path))
    )
    settingKey = prop(str, "")
    label = prop(str, "")
    filters = prop("QVariant", 0)
    showHistoryButton = prop(bool, True)

    def addCurrentPathToHistory(self):
        """Nobody's history is kept here."""


class ctkMenuButton(QtWidgets.QPushButton):
    """A button with a menu beside it; the menu is left out."""


WIDGETS = {cls.__name__: cls for cls in (ctkCollapsibleButton, ctkPathLineEdit, ctkMenuButton)}
