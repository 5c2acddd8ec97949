"""A comparison as a table node."""

from __future__ import annotations

import math

import slicer
import vtk
from slicer.i18n import tr as _

from BoneSegLib.evaluation.result import COLUMNS, NUMBERS


def comparisonTableNode(comparison: dict):
    """All columns of the command line's table, a row per bone and the mean; what is not defined is NaN."""
    rows = [*comparison["structures"], comparison["mean"]]
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", _("Comparison of bones"))
    with slicer.util.NodeModify(table):
        for column in COLUMNS:
            array = vtk.vtkDoubleArray() if column in NUMBERS else vtk.vtkStringArray()
            array.SetName(column)
            for row in rows:
                array.InsertNextValue(_cell(row[column], column))
            table.AddColumn(array)
        table.SetUseColumnTitleAsColumnHeader(True)
    return table


def _cell(value, column: str):
    if column in NUMBERS:
        return math.nan if value is None else float(value)
    return "" if value is None else str(value)
