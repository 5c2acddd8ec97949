"""A comparison's table as bar charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.definitions import BY_COLUMN
from BoneSegLib.scene.new_nodes import new_nodes_removed

OVERLAP = ("dice", "nsd")
DISTANCE = ("hausdorff95_mm", "assd_mm")

_COLORS = ((0.20, 0.45, 0.70), (0.90, 0.55, 0.15))
"""The first and the second bar, told apart by people who see no red or green too."""


@dataclass(frozen=True, eq=False)
class PlotNodes:
    """``overlap`` and ``distance``: chart nodes, one for shares (0 to 1) and one for mm; ``series``: their bars."""

    overlap: Any
    distance: Any
    series: tuple[Any, ...]

    @property
    def nodes(self) -> tuple[Any, ...]:
        """Everything that was added, to be removed again."""
        return (self.overlap, self.distance, *self.series)


def comparison_plot_nodes(table_node) -> PlotNodes:
    """Charts of a table that `comparison_table.comparison_table_node` made: Dice and NSD, HD95 and ASSD.

    Raises `InputError` for another table. Whatever fails, no node stays.
    """
    count = 0 if table_node is None else table_node.GetNumberOfColumns()
    columns = [table_node.GetColumnName(number) for number in range(count)]
    missing = [column for column in ("structure", *OVERLAP, *DISTANCE) if column not in columns]
    if missing:
        raise InputError(
            "This table is no comparison.", cause=f"It lacks '{missing[0]}'.", remedy="Choose a comparison's table."
        )
    with new_nodes_removed(only_on_failure=True):
        overlap = _series(table_node, OVERLAP)
        distance = _series(table_node, DISTANCE)
        overlap_chart = _chart(table_node, "overlap", "Share", overlap)
        # Shares always from 0 to 1, so that two charts can be compared by eye.
        overlap_chart.SetYAxisRangeAuto(False)
        overlap_chart.SetYAxisRange(0.0, 1.0)
        distance_chart = _chart(table_node, "surface distance", "mm", distance)
    return PlotNodes(overlap_chart, distance_chart, (*overlap, *distance))


def _series(table_node, columns: tuple[str, ...]) -> list:
    made = []
    for column, color in zip(columns, _COLORS, strict=True):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", BY_COLUMN[column].title)
        with slicer.util.NodeModify(node):
            node.SetAndObserveTableNodeID(table_node.GetID())
            node.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeBar)
            node.SetLabelColumnName("structure")
            node.SetYColumnName(column)
            node.SetColor(*color)
        made.append(node)
    return made


def _chart(table_node, what: str, unit: str, series: list):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", f"{table_node.GetName()}: {what}")
    with slicer.util.NodeModify(node):
        for one in series:
            node.AddAndObservePlotSeriesNodeID(one.GetID())
        node.SetTitle(f"{table_node.GetName()}: {what}")
        node.SetYAxisTitle(unit)
        node.SetXAxisTitleVisibility(False)
    return node
