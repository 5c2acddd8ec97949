"""Measures of the segments: volume, HU, surface, shape and position."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import slicer
import vtk

from BoneSegLib.errors import InputError
from BoneSegLib.scene.matrices import node_geometry
from BoneSegLib.scene.statistics_columns import COLUMNS, TEXTS, Row, remarks_on
from BoneSegLib.scene.write import provenance

SHEARED_DEGREES = 0.1


def compute_statistics(segmentation_node, volume_node) -> list[Row]:
    """A row for each segment, in their order, with the columns of `statistics_columns.COLUMNS`.

    Lengths in mm, positions in RAS world coordinates (parent transforms applied), HU over the voxels of
    ``volume_node``. Inside Slicer its Segment Statistics module measures; elsewhere (and on a sheared grid) the
    same ITK filter and numpy do, with the same definitions. An empty segment has 0 voxels and ``None`` in what cannot
    be measured. Confidence and flags are those that the run noted in the segmentation. Raises `InputError` without a
    volume.
    """
    if volume_node is None or volume_node.GetImageData() is None:
        raise InputError("There is no volume to measure HU in.", remedy="Choose the CT of the segmentation.")
    # Slicer's module takes the axes of a sheared grid for orthogonal, which makes bones too large.
    sheared = node_geometry(volume_node).shear_degrees > SHEARED_DEGREES
    if hasattr(slicer.modules, "segmentstatistics") and not sheared:
        from BoneSegLib.scene.statistics_slicer import measure_with_slicer as measure
    else:
        from BoneSegLib.scene.statistics_arrays import measure_with_arrays as measure
    info = provenance(segmentation_node)
    return [{**row, **remarks_on(str(row["id"]), info)} for row in measure(segmentation_node, volume_node)]


def statistics_table_node(rows: Sequence[Row], name: str = "Bone statistics"):
    """A new table node with the rows; what is missing is NaN."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
    with slicer.util.NodeModify(node):
        for column in COLUMNS:
            array = vtk.vtkStringArray() if column in TEXTS else vtk.vtkDoubleArray()
            array.SetName(column)
            for row in rows:
                value = row[column]
                array.InsertNextValue(math.nan if value is None else value)
            node.AddColumn(array)
        node.SetUseColumnTitleAsColumnHeader(True)
    return node


def write_statistics_csv(rows: Sequence[Row], path: str | Path) -> Path:
    """Writes the rows at full precision, the header first; what is missing is empty. Raises `OutputError`."""
    from BoneSegLib.headless.atomic import check_writable, replacing

    path = check_writable(path, (".csv",))
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
