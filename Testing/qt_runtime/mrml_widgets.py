"""The qMRML widgets that the module uses, on real MRML."""

from __future__ import annotations

from PySide6 import QtWidgets
from PySide6.QtCore import Property, Signal

from Testing.qt_runtime.ctk_widgets import Row, ctkMenuButton
from Testing.qt_runtime.properties import prop, with_setters


class SceneAware:
    """Knows a scene and observes it."""

    def setMRMLScene(self, scene):
        for caller, tag in self.__dict__.pop("_observations", []):
            caller.RemoveObserver(tag)
        self._scene, self._observations = scene, []
        if scene is not None:
            self.sceneSet(scene)
        if hasattr(self, "mrmlSceneChanged"):
            self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self):
        return self.__dict__.get("_scene")

    def sceneSet(self, scene):
        """For those who want to know."""

    def observe(self, caller, event, function):
        self._observations.append((caller, caller.AddObserver(event, function)))


class qMRMLWidget(SceneAware, QtWidgets.QWidget):
    """A widget that hands its scene on."""

    mrmlSceneChanged = Signal(object)


@with_setters
class qMRMLNodeComboBox(SceneAware, Row):
    """Chooses a node of some types; the first one by itself where none is not allowed."""

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    nodeAddedByUser = Signal(object)
    mrmlSceneChanged = Signal(object)
    CREATE = "create"

    def __init__(self, parent=None):
        super().__init__(parent)
        self._combo = QtWidgets.QComboBox()
        self._combo.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Fixed)
        self._combo.setMinimumContentsLength(8)
        self.add_row(self._combo)
        self._last_id = ""
        self._combo.currentIndexChanged.connect(self._selected)

    def _refresh(self, *_):
        if self.mrmlScene() is None:
            return
        current = self.currentNodeID
        self._combo.blockSignals(True)
        self._combo.clear()
        if self.noneEnabled:
            self._combo.addItem(self.noneDisplay, "")
        for node in self.nodes():
            self._combo.addItem(node.GetName(), node.GetID())
        if self.addEnabled:
            self._combo.addItem("Create new Segmentation...", self.CREATE)
        index = self._combo.findData(current) if current else -1
        first = 0 if self.noneEnabled or self.nodes() else -1
        self._combo.setCurrentIndex(index if index >= 0 else first)
        self._combo.blockSignals(False)
        self._selected()

    def _selected(self, *_):
        if self._combo.currentData == self.CREATE:
            self.addNode()
            return
        node_id = self.currentNodeID
        if node_id != self._last_id:
            self._last_id = node_id
            self.currentNodeChanged.emit(self.currentNode())
            self.currentNodeIDChanged.emit(node_id)

    nodeTypes = prop("QStringList", [], _refresh)
    noneEnabled = prop(bool, False, _refresh)
    noneDisplay = prop(str, "None", _refresh)
    addEnabled = prop(bool, True, _refresh)
    removeEnabled = prop(bool, True)
    renameEnabled = prop(bool, False)
    editEnabled = prop(bool, False)
    showHidden = prop(bool, False, _refresh)
    showChildNodeTypes = prop(bool, True, _refresh)
    selectNodeUponCreation = prop(bool, True)
    baseName = prop(str, "")

    def sceneSet(self, scene):
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent, scene.EndCloseEvent):
            self.observe(scene, event, self._refresh)
        self._refresh()

    def nodes(self):
        scene, found = self.mrmlScene(), []
        for kind in self.nodeTypes if scene is not None else ():
            for index in range(scene.GetNumberOfNodesByClass(kind)):
                node = scene.GetNthNodeByClass(index, kind)
                of_kind = self.showChildNodeTypes or node.GetClassName() == kind
                if of_kind and node not in found and (self.showHidden or not node.GetHideFromEditors()):
                    found.append(node)
        return found

    def currentNode(self):
        node_id = self.currentNodeID
        return self.mrmlScene().GetNodeByID(node_id) if node_id else None

    def setCurrentNode(self, node):
        self.setCurrentNodeID(node.GetID() if node is not None else "")

    def setCurrentNodeID(self, node_id):
        index = self._combo.findData(node_id or "")
        self._combo.setCurrentIndex(index)

    def _current_id(self):
        data = self._combo.currentData
        return data if data and data != self.CREATE else ""

    currentNodeID = Property(str, _current_id, setCurrentNodeID)

    def addNode(self):
        scene, kind = self.mrmlScene(), self.nodeTypes[0]
        name = self.baseName or kind.removeprefix("vtkMRML").removesuffix("Node")
        node = scene.AddNewNodeByClass(kind, scene.GenerateUniqueName(name))
        self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node


class qMRMLSegmentationShow3DButton(SceneAware, ctkMenuButton):
    """Makes the closed surface of a segmentation, and removes it."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.text = "Show 3D"
        self.checkable = True
        self.enabled = False
        self.__dict__["_node"] = None
        self.toggled.connect(self._show)

    def setSegmentationNode(self, node):
        self.__dict__["_node"] = node
        self.enabled = node is not None
        shown = node is not None and node.GetSegmentation().ContainsRepresentation("Closed surface")
        self.blockSignals(True)
        self.checked = shown
        self.blockSignals(False)

    def segmentationNode(self):
        return self.__dict__["_node"]

    def _show(self, on):
        node = self.segmentationNode()
        if node is not None and on:
            node.CreateClosedSurfaceRepresentation()
        elif node is not None:
            node.GetSegmentation().RemoveRepresentation("Closed surface")


WIDGETS = {cls.__name__: cls for cls in (qMRMLWidget, qMRMLNodeComboBox, qMRMLSegmentationShow3DButton)}
