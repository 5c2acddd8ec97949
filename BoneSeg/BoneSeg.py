"""BoneSeg in 3D Slicer: the module, its widget, its logic and its self test.

The widget's parts and the logic are in `BoneSegWidgets`, everything that computes in `BoneSegLib`.
"""

import importlib.util
import sys
from pathlib import Path

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

if importlib.util.find_spec("BoneSegLib") is None:
    # Run from the source tree: Slicer knows this file's folder only, and the library lies beside it.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from BoneSegWidgets.logic import BoneSegLogic
from BoneSegWidgets.resources import resourceFile

from BoneSegLib.errors import BoneSegError, Cancelled, InputError


class BoneSeg(ScriptedLoadableModule):
    """Metadata, and what is registered once Slicer has started."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "BoneSeg"
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Segmentations", "Volumes", "SegmentStatistics", "Terminologies", "SubjectHierarchy"]
        parent.contributors = ["The BoneSeg contributors"]
        parent.helpText = _(
            "Finds the hip bones, the sacrum, the femurs and the lumbar vertebrae in a CT: choose the volume, click "
            "Segment. Everything is computed on this computer; no image leaves it. Not for clinical use."
        )
        parent.acknowledgementText = _(
            "Trained on synthetic CT made from the label maps of the TotalSegmentator dataset (Wasserthal et al., "
            "Radiology: Artificial Intelligence 2023, CC BY 4.0) and other open anatomy; see the README."
        )
        parent.icon = qt.QIcon(resourceFile("Icons/BoneSeg.svg"))
        slicer.app.connect("startupCompleted()", onStartupCompleted)


def onStartupCompleted():
    """Terminology, sample data and the subject hierarchy's menu."""
    from BoneSegWidgets.sampleData import registerSampleData
    from BoneSegWidgets.subjectHierarchy import registerPlugin

    from BoneSegLib.scene.terminology import load_terminology

    load_terminology()
    registerSampleData()
    registerPlugin()


class BoneSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Puts the parts together and follows the scene."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._guiTag = None
        self._input = None

    def setup(self):
        from BoneSegWidgets.comparisonPanel import ComparisonPanel
        from BoneSegWidgets.errorPanel import ErrorPanel
        from BoneSegWidgets.launch import workerLaunch
        from BoneSegWidgets.resultsPanel import ResultsPanel
        from BoneSegWidgets.runController import RunController
        from BoneSegWidgets.segmentPanel import SegmentPanel
        from BoneSegWidgets.segmentRun import SegmentRun

        from BoneSegLib.worker.client import WorkerClient

        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(resourceFile("UI/BoneSeg.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        self.logic = BoneSegLogic()
        self.errors = ErrorPanel(self.ui, self._diagnostics)
        self.panel = SegmentPanel(self.ui, self._onChoice)
        self.controller = RunController(WorkerClient(workerLaunch()), self.panel.showEstimate)
        self.results = ResultsPanel(self.ui, self.logic, self._failing)
        self.run = SegmentRun(self.ui, self.logic, self.controller, self.panel, self.results, self.errors, self.update)
        self.comparison = ComparisonPanel(self.ui, self.logic, self.controller, self.errors.show, self.update)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.ui.segmentButton.connect("clicked()", self.onSegmentButton)
        self.ui.installPackagesButton.connect("clicked()", self.onInstallPackages)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self.onNodeAboutToBeRemoved)
        self.initializeParameterNode()

    def cleanup(self):
        self.controller.close()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self):
        self.initializeParameterNode()

    def exit(self):
        """Only leaving the module: a run goes on, and its result comes when it comes."""

    def onReload(self):
        """The library and the widget's parts are loaded anew as well."""
        self.controller.close()
        for name in list(sys.modules):
            if name.split(".")[0] in ("BoneSegLib", "BoneSegWidgets"):
                del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def initializeParameterNode(self):
        if self._parameterNode is None:
            self.setParameterNode(self.logic.getParameterNode())
        self.update()

    def setParameterNode(self, parameterNode):
        """Disconnects the old one; None only does that."""
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParametersModified)
        self._parameterNode = parameterNode
        self.panel.setParameters(parameterNode)
        if parameterNode is not None:
            self._guiTag = parameterNode.connectGui(self.ui)
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParametersModified)
            self._onParametersModified()

    def useVolume(self, volumeNode):
        """Chooses the volume to segment, as if it had been chosen in the list."""
        self.initializeParameterNode()
        self._parameterNode.inputVolume = volumeNode

    def onSceneStartClose(self, caller=None, event=None):
        self.controller.close()
        self.run.abandon()
        self.setParameterNode(None)
        self.results.clear()
        self.comparison.clear()
        self.errors.clear()

    def onSceneEndClose(self, caller=None, event=None):
        self._input = None
        self.panel.look(None)
        self.panel.showEstimate(None)
        self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAboutToBeRemoved(self, caller, event, node):
        self.results.forget(node)
        self.run.forget(node)

    def onSegmentButton(self):
        if self.run.isRunning:
            self.run.cancel()
        else:
            self.run.start(self._parameterNode)

    def onInstallPackages(self):
        from BoneSegWidgets.packages import installPackages, missingPackages

        self._failing(lambda: installPackages(missingPackages()))
        self.update()
        self._askEstimate()

    def update(self):
        """Everything that depends on the choices and on whether something goes on."""
        from BoneSegWidgets.packages import missingPackages, missingText

        missing = missingPackages()
        self.ui.packagesPanel.visible = bool(missing)
        self.ui.packagesLabel.text = missingText(missing) if missing else ""
        reason = self.panel.reasonNotToBegin()
        if missing:
            reason = _("Install the missing packages first.")
        elif self.comparison.isRunning:
            reason = _("A comparison is going on.")
        self.run.showState(reason)
        self.comparison.update()

    def _onParametersModified(self, caller=None, event=None):
        parameters = self._parameterNode
        if parameters is None:
            return
        volumeNode = parameters.inputVolume
        if volumeNode is not self._input:
            self._input = volumeNode
            self.errors.clear()
            self.panel.look(volumeNode)
            self._dropForeignOutput(volumeNode)
        self.panel.followParameters()
        self._onChoice()

    def _dropForeignOutput(self, volumeNode):
        """The bones of another CT must not be replaced because its segmentation is still chosen."""
        output = self._parameterNode.outputSegmentation
        if output is not None and self.logic.volumeOf(output) is not volumeNode:
            self._parameterNode.outputSegmentation = None

    def _onChoice(self):
        self.update()
        self._askEstimate()

    def _askEstimate(self):
        from BoneSegWidgets.packages import missingPackages

        report = self.panel.report
        if report is None or report.volume is None or report.errors or missingPackages():
            self.panel.showEstimate(None)
            return
        try:
            if self.controller.askEstimate(report.volume.geometry, self.panel.options()):
                self.panel.showEstimating()
        except BoneSegError:
            # Told when a run is begun; a forecast is not worth an error.
            self.panel.showEstimate(None)

    def _failing(self, function):
        """Runs it, and shows what goes wrong."""
        from BoneSegLib.worker.failures import from_exception

        self.errors.clear()
        try:
            function()
        except Cancelled:
            pass
        except Exception as error:
            self.errors.show(from_exception(error))

    def _diagnostics(self, error):
        from BoneSegWidgets.diagnostics import diagnosticsText

        report = self.panel.report
        try:
            options = self.panel.options().to_dict()
        except (BoneSegError, AttributeError):
            options = None
        return diagnosticsText(error, report.volume if report else None, options, self.controller.client.last_lines)


class BoneSegTest(ScriptedLoadableModuleTest):
    """Runs in Slicer too; needs no network weights but those that are bundled."""

    def setUp(self):
        slicer.mrmlScene.Clear(0)

    def test_VolumeThatIsNoCtIsRefusedAndTheSceneStaysAsItWas(self):
        import numpy as np
        from BoneSegWidgets.packages import missingPackages

        if missingPackages():
            # Then it is refused for another reason.
            return

        volumeNode = slicer.util.addVolumeFromArray(np.zeros((4, 4, 4), np.int16))
        before = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaises(InputError):
            BoneSegLogic().segment(volumeNode)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)

    def test_LabelsBecomeNamedSegmentsUnderTheVolumesTransform(self):
        volumeNode, labels = self._volumeAndLabels()
        transformNode = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        volumeNode.SetAndObserveTransformNodeID(transformNode.GetID())
        segmentationNode = BoneSegLogic().writeLabels(labels, volumeNode)
        segmentation = segmentationNode.GetSegmentation()
        self.assertEqual(segmentation.GetSegment("sacrum").GetName(), "Sacrum")
        self.assertEqual(segmentationNode.GetTransformNodeID(), transformNode.GetID())

    def test_ASegmentationComparedWithItselfAgrees(self):
        volumeNode, labels = self._volumeAndLabels()
        logic = BoneSegLogic()
        first, second = (logic.writeLabels(labels, volumeNode) for _number in range(2))
        self.assertEqual(logic.compare(first, second).score("sacrum").dice, 1.0)

    def _volumeAndLabels(self):
        import numpy as np

        from BoneSegLib.scene.read import volume_from_node
        from BoneSegLib.volume import LabelMap

        array = np.full((20, 30, 40), -100, np.int16)
        array[5:15, 8:22, 10:30] = 500
        volumeNode = slicer.util.addVolumeFromArray(array, name="CT")
        labels = np.where(array > 0, 3, 0).astype(np.uint8)
        return volumeNode, LabelMap(labels, volume_from_node(volumeNode).geometry)
