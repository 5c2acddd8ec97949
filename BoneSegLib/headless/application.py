"""What stands in for Slicer's application object: the scene, the module logics and the input-output manager."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import types
from pathlib import Path

import slicer
import slicer.util
import vtk

from BoneSegLib.headless.color_files import write_color_files
from BoneSegLib.headless.io_manager import IOManager

# slicer.modules.<attribute>, the name other logics ask for, the class. Terminologies go before Segmentations, which
# registers the conversion rules and looks terminology entries up.
_LOGICS = (
    ("colors", "Colors", "vtkSlicerColorLogic"),
    ("terminologies", "Terminologies", "vtkSlicerTerminologiesModuleLogic"),
    ("subjecthierarchy", "SubjectHierarchy", "vtkSlicerSubjectHierarchyModuleLogic"),
    ("volumes", "Volumes", "vtkSlicerVolumesLogic"),
    ("models", "Models", "vtkSlicerModelsLogic"),
    ("transforms", "Transforms", "vtkSlicerTransformLogic"),
    ("tables", "Tables", "vtkSlicerTablesLogic"),
    ("segmentations", "Segmentations", "vtkSlicerSegmentationsModuleLogic"),
    ("cropvolume", "CropVolume", "vtkSlicerCropVolumeLogic"),
    ("markups", "Markups", "vtkSlicerMarkupsLogic"),
    ("volumerendering", "VolumeRendering", "vtkSlicerVolumeRenderingLogic"),
)


class Module:
    """`slicer.modules.<name>`: its logic; there is no widget."""

    def __init__(self, name: str, logic: object, *, path: str = "") -> None:
        self.name = self.title = name
        self.path = path
        self._logic = logic

    def logic(self):
        return self._logic

    def widgetRepresentation(self) -> None:
        return None


class Application:
    """`slicer.app` without Qt. Method names are Slicer's, since `slicer.util` and modules call them."""

    applicationName = "Slicer"
    majorVersion, minorVersion = 5, 12
    applicationVersion = "5.12"
    revision = "0"
    _boneseg_stand_in = True

    def __init__(self) -> None:
        self.temporaryPath = tempfile.mkdtemp(prefix="boneseg-")
        # Bundles (.mrb) are unpacked there: patient images must not stay behind.
        atexit.register(shutil.rmtree, self.temporaryPath, ignore_errors=True)
        self.slicerHome = self.temporaryPath
        write_color_files(Path(self.temporaryPath) / "share" / "ColorFiles")
        _alias_kits()
        self._scene = slicer.vtkMRMLScene()
        slicer.mrmlScene = self._scene
        slicer.app = self
        slicer.modules = types.SimpleNamespace()
        slicer.moduleNames = types.SimpleNamespace()
        self._logic = self._make_application_logic()
        self._remote = self._make_remote_logic()
        for attribute, name, class_name in _LOGICS:
            self._add_logic(attribute, name, getattr(slicer, class_name)())
        self._io = IOManager()
        # Only the colour tables were needed, and they are read. It is made again when a bundle is; so a process that
        # is killed otherwise leaves nothing.
        shutil.rmtree(self.temporaryPath, ignore_errors=True)

    def _make_application_logic(self):
        scene = self._scene
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        scene.AddNode(crosshair)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
        logic = slicer.vtkSlicerApplicationLogic()
        logic.SetMRMLScene(scene)
        logic.SetTemporaryPath(self.temporaryPath)
        # The colour logic looks for <home>/<share>/ColorFiles.
        logic.SetHomeDirectory(self.slicerHome)
        logic.SetShareDirectory("share")
        logic.SetSliceLogics(vtk.vtkCollection())
        logic.SetViewLogics(vtk.vtkCollection())
        return logic

    def _make_remote_logic(self):
        """The cache and data managers, without which .mrb bundles cannot be read."""
        remote = slicer.vtkMRMLRemoteIOLogic()
        remote.SetMRMLScene(self._scene)
        remote.SetMRMLApplicationLogic(self._logic)
        remote.GetCacheManager().SetRemoteCacheDirectory(str(Path(self.temporaryPath) / "cache"))
        manager = slicer.vtkDataIOManagerLogic()
        manager.SetMRMLApplicationLogic(self._logic)
        manager.SetMRMLScene(self._scene)
        manager.SetAndObserveDataIOManager(remote.GetDataIOManager())
        remote.AddDataIOToScene()
        return remote, manager

    def _add_logic(self, attribute: str, name: str, logic) -> None:
        if hasattr(logic, "SetModuleShareDirectory"):
            logic.SetModuleShareDirectory(str(Path(self.temporaryPath) / name))
        logic.SetMRMLApplicationLogic(self._logic)
        logic.SetMRMLScene(self._scene)
        self._logic.SetModuleLogic(name, logic)
        if name == "Colors":
            self._logic.SetColorLogic(logic)
        setattr(slicer.modules, attribute, Module(name, logic))
        setattr(slicer.moduleNames, name, name)

    def mrmlScene(self):
        return self._scene

    def applicationLogic(self):
        return self._logic

    def coreIOManager(self) -> IOManager:
        return self._io

    ioManager = coreIOManager

    def moduleManager(self) -> Application:
        return self

    def modulesNames(self) -> list[str]:
        return sorted(module.name for module in vars(slicer.modules).values() if isinstance(module, Module))

    def module(self, name: str) -> Module | None:
        return getattr(slicer.modules, name.lower(), None)

    def processEvents(self, *_arguments) -> None:
        return None

    pauseRender = resumeRender = processEvents

    def layoutManager(self) -> None:
        return None

    def userSettings(self) -> None:
        return None

    settings = userSettings

    def topLevelWidgets(self) -> list:
        return []

    def testingEnabled(self) -> bool:
        return True

    def commandOptions(self):
        return types.SimpleNamespace(noMainWindow=True, testingEnabled=True, noSplash=True)

    def connect(self, *_arguments) -> bool:
        return True

    disconnect = connect

    def startupEnvironment(self) -> Application:
        return self

    def keys(self) -> list[str]:
        return list(os.environ)

    def value(self, name: str) -> str:
        return os.environ[name]


def _alias_kits() -> None:
    """Lets `import vtkITK`, `import vtkSegmentationCorePython` and the like find the wheel's kits, as in Slicer."""
    for name, module in list(sys.modules.items()):
        if name.startswith("slicer_core."):
            kit = name.split(".")[1]
            for alias in (kit, f"{kit}Python", kit.removesuffix("Python")):
                sys.modules.setdefault(alias, module)
    sys.modules.setdefault("SlicerBaseLogicPython", sys.modules["slicer_core.vtkSlicerBaseLogic"])
