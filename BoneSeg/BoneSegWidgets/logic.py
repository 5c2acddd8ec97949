"""The logic façade: what the module does, for the widget and for scripts."""

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from BoneSegLib.options import SegmentOptions, never_cancelled, no_progress


class BoneSegLogic(ScriptedLoadableModuleLogic):
    """What the module does, for scripts too; needs no widget. Runs in this process and waits for the result."""

    def getParameterNode(self):
        from BoneSegWidgets.parameters import BoneSegParameterNode

        return BoneSegParameterNode(ScriptedLoadableModuleLogic.getParameterNode(self))

    def segment(
        self,
        volumeNode,
        segmentationNode=None,
        options=None,
        *,
        progress=no_progress,
        is_cancelled=never_cancelled,
    ):
        """Finds the bones of a volume node and returns the segmentation node (a new one for None).

        Cancelled or failed, the scene is as it was; raises a BoneSegLib.errors.BoneSegError.

        >>> segmentationNode = BoneSegLogic().segment(volumeNode, None, SegmentOptions(quality="fast"))
        """
        from BoneSegLib.scene.run import segment_node

        options = options or SegmentOptions()
        return segment_node(volumeNode, segmentationNode, options, progress=progress, is_cancelled=is_cancelled)

    def segmentFrames(self, volumeNode, options=None, *, progress=no_progress, is_cancelled=never_cancelled):
        """Finds the bones in each frame of the sequence that a volume node shows; returns a segmentation node.

        It shows the segmentation of the frame that is selected, and follows the sequence.
        """
        from BoneSegLib.scene.run import segment_frames

        return segment_frames(volumeNode, options, progress=progress, is_cancelled=is_cancelled)

    def writeLabels(self, labels, volumeNode, segmentationNode=None, name=None, *, keepOtherBones=False):
        """Puts labels into a segmentation node (a new one for None); whole or not at all."""
        from BoneSegLib.scene.write import write_segmentation
        from BoneSegWidgets.merge import withOtherBones

        if segmentationNode is not None and keepOtherBones:
            labels = withOtherBones(labels, segmentationNode)
        return write_segmentation(labels, volumeNode, segmentationNode, name=name)

    def renumberVertebrae(self, segmentationNode, steps):
        """Gives each vertebra the name of the one ``steps`` below it (negative: above it); returns new ids by old ones.

        >>> BoneSegLogic().renumberVertebrae(segmentationNode, 1)  # what was called L1 becomes L2, and so on
        """
        from BoneSegLib.scene.vertebrae import renumber_vertebrae

        return renumber_vertebrae(segmentationNode, steps)

    def statistics(self, segmentationNode, volumeNode):
        """Volume, HU, surface and shape of each segment: a list of rows, see BoneSegLib.scene.statistics."""
        from BoneSegLib.scene.statistics import compute_statistics

        return compute_statistics(segmentationNode, volumeNode)

    def showStatistics(self, segmentationNode, volumeNode):
        """The statistics as a new table node, which is shown where there are views."""
        from BoneSegLib.scene.statistics import statistics_table_node

        name = _("{name} statistics").format(name=segmentationNode.GetName())
        table = statistics_table_node(self.statistics(segmentationNode, volumeNode), name)
        _showTable(table)
        return table

    def compare(self, referenceNode, testNode, options=None, **limits):
        """Compares two segmentations or label maps bone by bone: a BoneSegLib.evaluation.Comparison.

        Further keywords as in BoneSegLib.scene.comparison.compare_nodes: matches (from a corrected matchTable),
        mask_node, roi_node, common_field, progress, is_cancelled.
        """
        from BoneSegLib.scene.comparison import compare_nodes

        return compare_nodes(referenceNode, testNode, options=options, **limits)

    def matchTable(self, referenceNode, testNode, matches=None):
        """Which segment would be compared with which, and why: rows to show and to correct.

        ``matches``: corrections made so far, reference segment id to test segment id or None.
        """
        from BoneSegLib.scene.comparison import match_table

        return match_table(referenceNode, testNode, matches=matches)

    def compareWithGrowFromSeeds(self, volumeNode, segmentationNode, options=None):
        """Grows the cores of the bones over the image and compares: the grown segmentation and the comparison."""
        from BoneSegLib.scene.comparison_baseline import compare_with_grow_from_seeds

        return compare_with_grow_from_seeds(volumeNode, segmentationNode, options=options)

    def imageAndLabels(self, volumeNode, segmentationNode):
        """A volume and a segmentation of it on its grid, as a Volume and a LabelMap."""
        from BoneSegLib.scene.labels import labelmap_from_segmentation
        from BoneSegLib.scene.read import volume_from_node

        volume = volume_from_node(volumeNode)
        return volume, labelmap_from_segmentation(segmentationNode, volume.geometry)

    def growFromSeeds(self, volumeNode, segmentationNode):
        """A new segmentation: the cores of the bones of another one, grown over the image."""
        from BoneSegLib.baselines.grow_from_seeds import grow_from_seeds
        from BoneSegLib.baselines.seeds import seeds_from_labels

        volume, labels = self.imageAndLabels(volumeNode, segmentationNode)
        grown = grow_from_seeds(volume, seeds_from_labels(labels))
        return self.writeLabels(grown, volumeNode, None, _("{name} grown from seeds").format(name=volumeNode.GetName()))

    def comparisonTable(self, comparison):
        """A comparison as a new table node, which is shown where there are views."""
        from BoneSegLib.scene.comparison_table import comparison_table_node

        table = comparison_table_node(comparison, _("Comparison of bones"))
        _showTable(table)
        return table

    def comparisonPlots(self, tableNode):
        """Charts of a comparison's table: overlap and distances of each bone, as plot chart nodes."""
        from BoneSegLib.scene.comparison_plot import comparison_plot_nodes

        return comparison_plot_nodes(tableNode)

    def showDistances(self, referenceNode, testNode, comparison=None, matches=None):
        """Model nodes of the test's bones, coloured by their distance from the reference, in mm."""
        from BoneSegLib.scene.comparison_models import surface_distance_model_nodes

        return surface_distance_model_nodes(referenceNode, testNode, comparison, matches=matches)

    def volumeOf(self, segmentationNode):
        """The volume that a segmentation was made on, or None."""
        if segmentationNode is None:
            return None
        return segmentationNode.GetNodeReference(
            slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
        )


def _showTable(tableNode):
    """In the layout with a table, where there is a layout."""
    layoutManager = slicer.app.layoutManager()
    if layoutManager is None:
        return
    layoutManager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView)
    selection = slicer.app.applicationLogic().GetSelectionNode()
    selection.SetActiveTableID(tableNode.GetID())
    slicer.app.applicationLogic().PropagateTableSelection()
