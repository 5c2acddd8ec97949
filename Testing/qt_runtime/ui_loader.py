"""Loads .ui files with the stand-in widgets; an unknown widget class fails, as it would in Slicer."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from PySide6 import QtCore, QtUiTools

from Testing.qt_runtime import ctk_widgets, mrml_widgets

WIDGETS = {**ctk_widgets.WIDGETS, **mrml_widgets.WIDGETS}


class UiLoader(QtUiTools.QUiLoader):
    """`qt.QUiLoader`, which in Slicer knows CTK's and MRML's widgets through plugins."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._kept = []

    def createWidget(self, class_name, parent=None, name=""):
        cls = WIDGETS.get(class_name)
        widget = cls(parent) if cls else super().createWidget(class_name, parent, name)
        if widget is None:
            raise RuntimeError(f"The .ui file names an unknown widget class: {class_name}")
        widget.setObjectName(name)
        self._kept.append(widget)  # Python owns the instances of classes made in Python
        return widget

    def load(self, file, parent=None):
        path = file.fileName() if hasattr(file, "fileName") else str(file)
        root = ET.parse(path).getroot()
        connections = _take_mrml_connections(root)
        buffer = QtCore.QBuffer()
        buffer.setData(ET.tostring(root))
        buffer.open(QtCore.QIODevice.ReadOnly)
        widget = super().load(buffer, parent)
        if widget is None:
            raise RuntimeError(self.errorString())
        widget.setProperty("keptByLoader", self)
        for sender, signal, receiver, slot in connections:
            target = _find(widget, receiver)
            _find(widget, sender).connect(signal, getattr(target, slot.split("(")[0]))
        return widget


def _take_mrml_connections(root) -> list[tuple[str, ...]]:
    """Connections that carry VTK objects are taken out: QUiLoader cannot make them between Python's classes."""
    found = []
    for connections in root.findall("connections"):
        for connection in list(connections):
            parts = tuple(connection.findtext(part) for part in ("sender", "signal", "receiver", "slot"))
            if "vtk" in parts[1] + parts[3]:
                found.append(parts)
                connections.remove(connection)
    return found


def _find(widget, name):
    found = widget if widget.objectName == name else widget.findChild(QtCore.QObject, name)
    if found is None:
        raise RuntimeError(f"A connection of the .ui file names an unknown object: {name}")
    return found
