"""Statistics by Slicer's own Segment Statistics module."""

from __future__ import annotations

import slicer

from BoneSegLib.scene.new_nodes import new_nodes_removed
from BoneSegLib.scene.statistics_columns import SCALARS, VECTORS, Row, make_row


def measure_with_slicer(segmentation_node, volume_node) -> list[Row]:
    """Rows from `SegmentStatisticsLogic`, computed with our own parameter node: the user's choices stay."""
    import SegmentStatistics  # type: ignore[import-not-found]

    # Making the logic adds a parameter node to a scene that has none.
    with new_nodes_removed():
        logic = SegmentStatistics.SegmentStatisticsLogic()
        parameters = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "BoneSeg statistics")
        parameters.SetAttribute("ModuleName", "SegmentStatistics")
        logic.setParameterNode(parameters)
        parameters.SetParameter("Segmentation", segmentation_node.GetID())
        parameters.SetParameter("ScalarVolume", volume_node.GetID())
        # Hidden segments would be left out, and a segmentation without a display node fails.
        parameters.SetParameter("visibleSegmentsOnly", "False")
        for key in (*(key for _column, key in SCALARS), *(key for _column, _parts, key in VECTORS)):
            parameters.SetParameter(f"{key}.enabled", "True")
        parameters.SetParameter("ClosedSurfaceSegmentStatisticsPlugin.enabled", "False")
        logic.computeStatistics()
        found = logic.getStatistics()
    segmentation = segmentation_node.GetSegmentation()
    return [
        make_row(segment_id, segmentation.GetSegment(segment_id).GetName(), _measured(found, segment_id))
        for segment_id in segmentation.GetSegmentIDs()
    ]


def _measured(found: dict, segment_id: str) -> dict[str, object]:
    measured: dict[str, object] = {column: found.get((segment_id, key)) for column, key in SCALARS}
    measured.update({column: found.get((segment_id, key)) for column, _parts, key in VECTORS})
    # Slicer leaves an empty segment out altogether.
    for column in ("voxels", "volume_mm3", "volume_cm3"):
        measured[column] = measured[column] or 0
    return measured
