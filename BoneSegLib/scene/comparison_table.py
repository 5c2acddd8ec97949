"""A comparison as a table node."""

from __future__ import annotations

import json

import slicer
import vtk

from BoneSegLib.evaluation.definitions import BY_COLUMN
from BoneSegLib.evaluation.result import COLUMNS, NUMBERS, Comparison
from BoneSegLib.scene.new_nodes import new_nodes_removed

DEFINITIONS = "BoneSeg.definitions"
"""The table node's attribute that says what each number means, as JSON."""


def comparison_table_node(comparison: Comparison, name: str = "Comparison of bones"):
    """A new table node with the columns and rows of the CSV; what is not defined is NaN.

    Each column carries its unit and definition, the node's description the remarks, and its attribute `DEFINITIONS`
    all definitions. Whatever fails, no node stays.
    """
    with new_nodes_removed(only_on_failure=True):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
        with slicer.util.NodeModify(node):
            for column in COLUMNS:
                node.AddColumn(_column(comparison, column))
                _describe(node, column)
            node.SetUseColumnTitleAsColumnHeader(True)
            node.SetAttribute(DEFINITIONS, json.dumps(comparison.definitions))
            node.SetDescription(_description(comparison))
    return node


def _column(comparison: Comparison, column: str):
    array = vtk.vtkDoubleArray() if column in NUMBERS else vtk.vtkStringArray()
    array.SetName(column)
    for row in comparison.rows:
        value = getattr(row, column)
        if column not in NUMBERS:
            value = "" if value is None else str(value)
        array.InsertNextValue(value)
    return array


def _describe(node, column: str) -> None:
    metric = BY_COLUMN.get(column)
    if metric is None:
        return
    # The header that people see; the column keeps the name that it has in the CSV.
    node.SetColumnTitle(column, f"{metric.title} ({metric.unit})" if metric.unit else metric.title)
    node.SetColumnDescription(column, metric.definition)
    if metric.unit:
        node.SetColumnUnitLabel(column, metric.unit)


def _description(comparison: Comparison) -> str:
    definitions = comparison.definitions
    told = [*comparison.remarks]
    if definitions:
        told.append(f"Surface: {definitions['surface']}. Tolerance of NSD: {definitions['tolerance_mm']:g} mm.")
    return " ".join(told)
