"""Adds "Segment bones" to the menu of volumes in the subject hierarchy."""

from __future__ import annotations

from pathlib import Path

import slicer

_FILE = Path(__file__).resolve().parents[1] / "SubjectHierarchyPlugins" / "BoneSegSubjectHierarchyPlugin.py"


def registerPlugin() -> None:
    """Once per session; Slicer without its subject hierarchy widgets goes without."""
    if not hasattr(slicer, "qSlicerSubjectHierarchyScriptedPlugin"):
        return
    handler = slicer.qSlicerSubjectHierarchyPluginHandler.instance()
    if handler.pluginByName("BoneSeg") is not None:
        return
    plugin = slicer.qSlicerSubjectHierarchyScriptedPlugin(None)
    plugin.setPythonSource(str(_FILE))
    handler.registerPlugin(plugin)
