"""The subject hierarchy plugin: a right click on a volume offers "Segment bones"."""

import qt
import slicer
from AbstractScriptedSubjectHierarchyPlugin import AbstractScriptedSubjectHierarchyPlugin
from slicer.i18n import tr as _


class BoneSegSubjectHierarchyPlugin(AbstractScriptedSubjectHierarchyPlugin):
    """Owns no items, it only adds an action."""

    # Slicer looks for this name.
    filePath = __file__

    def __init__(self, scriptedPlugin):
        scriptedPlugin.name = "BoneSeg"
        AbstractScriptedSubjectHierarchyPlugin.__init__(self, scriptedPlugin)
        self.segmentAction = qt.QAction(_("Segment bones"), scriptedPlugin)
        self.segmentAction.connect("triggered()", self.onSegment)

    def canAddNodeToSubjectHierarchy(self, node, parentItemID=None):
        return 0.0

    def canOwnSubjectHierarchyItem(self, itemID):
        return 0.0

    def itemContextMenuActions(self):
        return [self.segmentAction]

    def sceneContextMenuActions(self):
        return []

    def showContextMenuActionsForItem(self, itemID):
        self.segmentAction.visible = isSegmentable(volumeOfItem(itemID))

    def onSegment(self):
        handler = slicer.qSlicerSubjectHierarchyPluginHandler.instance()
        volumeNode = volumeOfItem(handler.currentItem())
        slicer.util.selectModule("BoneSeg")
        slicer.modules.BoneSegWidget.useVolume(volumeNode)


def volumeOfItem(itemID):
    """The item's node, if it is one."""
    if not itemID:
        return None
    handler = slicer.qSlicerSubjectHierarchyPluginHandler.instance()
    return handler.subjectHierarchyNode().GetItemDataNode(itemID)


def isSegmentable(node) -> bool:
    """Scalar volumes, but no label maps."""
    return (
        node is not None
        and node.IsA("vtkMRMLScalarVolumeNode")
        and not node.IsA("vtkMRMLLabelMapVolumeNode")
        and node.GetImageData() is not None
    )
