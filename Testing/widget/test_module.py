"""The module as Slicer sees it: loading, entering, leaving, reloading, its self test, its place in menus."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import slicer

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "monai", "scipy", "matplotlib", "SimpleITK")


def _run(code: str) -> str:
    """In a fresh process, from a folder where only BoneSeg's own path handling finds the library."""
    start = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "from Testing.qt_runtime.runtime import install, load_module, show_module, leave_module, reload_module\n"
        "install()\n"
        f"path = Path({str(ROOT / 'BoneSeg' / 'BoneSeg.py')!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start + code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_loading_and_opening_the_module_imports_nothing_heavy():
    loaded = _run(
        f"load_module(path); show_module('BoneSeg')\nprint([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    assert loaded.strip() == "[]"


def test_the_library_is_found_from_the_source_tree():
    found = _run(
        "for name in [n for n in sys.modules if n.startswith('BoneSegLib')]: del sys.modules[name]\n"
        f"sys.path[:] = [p for p in sys.path if p not in ('', {str(ROOT)!r})]\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        "load_module(path)\n"
        "import BoneSegLib; print(BoneSegLib.__file__)\n"
    )
    assert Path(found.strip()).parent == ROOT / "BoneSegLib"


def test_reload_brings_new_code_and_a_working_widget():
    said = _run(
        "load_module(path); window, module = show_module('BoneSeg')\n"
        "import BoneSegWidgets.texts; old = BoneSegWidgets.texts\n"
        "module.onReload()\n"
        "import slicer; import BoneSegWidgets.texts as new\n"
        "print(new is not old, slicer.modules.BoneSegWidget is not module)\n"
        "print(slicer.modules.BoneSegWidget.ui.segmentButton.text)\n"
    )
    assert said.split("\n")[-3:-1] == ["True True", "Segment"]


def test_the_self_test_passes(a_module):
    a_module()
    slicer.selfTests["BoneSeg"]()


def test_entering_and_leaving_again_and_again_changes_nothing(a_module, a_ct):
    from Testing.qt_runtime.runtime import leave_module, show_module

    person = a_module()
    volume = a_ct()
    person.choose(person.ui.inputSelector, volume)
    for _ in range(3):
        leave_module("BoneSeg")
        show_module("BoneSeg")
    assert person.ui.inputSelector.currentNode() is volume
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert person.error == ""


def test_the_terminology_is_loaded_at_start(a_module):
    a_module()
    names = slicer.modules.terminologies.logic()
    from BoneSegLib.scene.terminology import CONTEXT_NAME

    assert names.LoadTerminologyFromFile  # the real logic
    assert CONTEXT_NAME in _terminologies()


def _terminologies() -> list[str]:
    import vtk

    found = vtk.vtkStringArray()
    slicer.modules.terminologies.logic().GetLoadedTerminologyNames(found)
    return [found.GetValue(index) for index in range(found.GetNumberOfValues())]


def test_the_sample_ct_loads_with_a_click(a_module):
    a_module()
    from BoneSegWidgets.sampleData import loadSample

    (volume,) = loadSample()
    assert volume.GetName() == "Synthetic CT"


def test_the_sample_ct_is_offered_with_arguments_that_slicer_knows(a_module, monkeypatch):
    offered = []

    class SampleDataLogic:
        @staticmethod
        def registerCustomSampleDataSource(
            category="Custom",
            sampleName=None,
            uris=None,
            fileNames=None,
            nodeNames=None,
            customDownloader=None,
            thumbnailFileName=None,
            loadFileType="VolumeFile",
            loadFiles=None,
            loadFileProperties=None,
            checksums=None,
        ):
            assert len(uris) == len(fileNames) == len(nodeNames)
            offered.append((category, sampleName, thumbnailFileName))

    source = types.ModuleType("SampleData")
    source.SampleDataLogic = SampleDataLogic
    monkeypatch.setitem(sys.modules, "SampleData", source)
    a_module()
    ((category, name, picture),) = offered
    assert (category, name) == ("BoneSeg", "BoneSeg synthetic CT")
    assert Path(picture).is_file()


def test_the_logic_segments_without_a_widget(a_module, a_ct, monkeypatch):
    from BoneSeg import BoneSegLogic
    from BoneSegLib.options import SegmentOptions
    from Testing.worker import fake_engine

    monkeypatch.setattr("BoneSegLib.inference.engine.segment", fake_engine.segment)
    told = []
    options = SegmentOptions(structures=("sacrum",))
    node = BoneSegLogic().segment(a_ct(), None, options, progress=lambda *news: told.append(news))
    assert list(node.GetSegmentation().GetSegmentIDs()) == ["sacrum"]
    assert told


@pytest.fixture
def a_subject_hierarchy(monkeypatch):
    """Slicer's plugin handler, in which an item is clicked with the right button."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    clicked = types.SimpleNamespace(item=0)
    handler = types.SimpleNamespace(currentItem=lambda: clicked.item, subjectHierarchyNode=lambda: hierarchy)
    handler.instance = lambda: handler
    monkeypatch.setattr(slicer, "qSlicerSubjectHierarchyPluginHandler", handler, raising=False)
    monkeypatch.setattr(slicer.util, "selectModule", lambda name: None)
    base = types.ModuleType("AbstractScriptedSubjectHierarchyPlugin")
    base.AbstractScriptedSubjectHierarchyPlugin = type("Base", (), {"__init__": lambda self, plugin: None})
    monkeypatch.setitem(sys.modules, base.__name__, base)
    monkeypatch.syspath_prepend(str(ROOT / "BoneSeg" / "SubjectHierarchyPlugins"))
    return hierarchy, clicked


def test_a_right_click_on_a_volume_offers_to_segment_its_bones(a_module, a_ct, a_subject_hierarchy):
    from PySide6.QtCore import QObject

    hierarchy, clicked = a_subject_hierarchy
    person, volume = a_module(), a_ct()
    import BoneSegSubjectHierarchyPlugin as source

    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
    items = {node: hierarchy.CreateItem(hierarchy.GetSceneItemID(), node) for node in (volume, labels)}
    owner = type("Plugin", (QObject,), {})()
    plugin = source.BoneSegSubjectHierarchyPlugin(owner)
    (action,) = plugin.itemContextMenuActions()
    plugin.showContextMenuActionsForItem(items[labels])
    assert not action.visible
    plugin.showContextMenuActionsForItem(items[volume])
    assert action.visible
    clicked.item = items[volume]
    action.trigger()
    person.look()
    assert person.ui.inputSelector.currentNode() is volume


def _roi(center, size):
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetCenter(*center)
    roi.SetSize(*size)
    return roi


def test_a_region_limits_the_run_in_the_volumes_own_space(a_module, a_ct):
    import vtk

    person, volume = a_module(), a_ct()
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 100.0)
    transform.SetMatrixTransformToParent(matrix)
    volume.SetAndObserveTransformNodeID(transform.GetID())
    person.choose(person.ui.inputSelector, volume)
    person.choose(person.ui.regionSelector, _roi((110.0, 20.0, 30.0), (20.0, 10.0, 6.0)))
    assert person.module.panel.options().roi == pytest.approx((0.0, 20.0, 15.0, 25.0, 27.0, 33.0))


def test_the_visible_part_is_what_all_slice_views_show(a_module, a_ct):
    person = a_module()
    person.choose(person.ui.inputSelector, a_ct())
    for name, normal, field in (("Red", (0, 0, 1), (80, 60, 1)), ("Green", (0, 1, 0), (70, 50, 1))):
        node = slicer.vtkMRMLSliceNode()
        node.SetName(name)
        node.SetLayoutName(name)
        node.SetMappedInLayout(1)
        node = slicer.mrmlScene.AddNode(node)
        node.SetSliceToRASByNTP(*normal, -1, 0, 0, 0, 0, 0, 0)
        node.SetFieldOfView(*field)
    person.open(person.ui.advancedSection)
    person.click(person.ui.visiblePartCheckBox)
    roi = person.module.panel.options().roi
    assert np.diff(roi)[::2] == pytest.approx([70.0, 60.0, 50.0])
