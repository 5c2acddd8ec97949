"""Bones in the 3D view, coloured by their distance from the reference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import slicer
import vtk

from BoneSegLib.errors import Cancelled, InputError, UsageError
from BoneSegLib.evaluation.overlap import Box, count_overlap
from BoneSegLib.evaluation.result import Comparison
from BoneSegLib.evaluation.surface_mesh import DISTANCE, surface_distance_polydata
from BoneSegLib.options import IsCancelled, Progress, never_cancelled, no_progress
from BoneSegLib.scene.comparison_colors import add_legend, distance_color_node
from BoneSegLib.scene.comparison_folder import put_into_folder, remove_folder
from BoneSegLib.scene.comparison_sides import Sides, read_sides
from BoneSegLib.scene.comparison_world import world_matrix
from BoneSegLib.scene.matrices import to_vtk
from BoneSegLib.scene.new_nodes import new_nodes_removed
from BoneSegLib.volume import Geometry, LabelMap


@dataclass(frozen=True, eq=False)
class DistanceNodes:
    """``models``: one for each bone; ``colors``: their shared colour table; ``legend``: ``None`` where Slicer has none;
    ``folder``: their item in the subject hierarchy, 0 without one."""

    models: tuple[Any, ...]
    colors: Any
    legend: Any | None
    folder: int

    @property
    def nodes(self) -> tuple[Any, ...]:
        """Everything that was added, to be removed again."""
        displays = [model.GetDisplayNode() for model in self.models]
        legend = () if self.legend is None else (self.legend,)
        return (*self.models, *(one for one in displays if one is not None), *legend, self.colors)

    def remove(self) -> None:
        """Takes all of it out of the scene again."""
        nodes = self.nodes
        remove_folder(self.folder)
        for node in nodes:
            # Removing a model can take its display node along.
            if node.GetScene() is not None:
                slicer.mrmlScene.RemoveNode(node)


def surface_distance_model_nodes(
    reference_node,
    test_node,
    comparison: Comparison | None = None,
    *,
    matches: Mapping[str, str | None] | None = None,
    limit_mm: float = 5.0,
    smooth: bool = True,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
) -> DistanceNodes:
    """A model node for each structure that both nodes have: the test's surface with the point scalars ``DistanceMm``.

    Signed mm in the world, negative where the test lies inside the reference; the colours reach to ``limit_mm`` on
    both sides. ``comparison``: only what was compared there. ``smooth``: take the voxels' steps off the surfaces. The
    models lie under the test's parent transform (in the world, where that bends) and in a folder beside the test.
    Raises `InputError` when nothing is in both, and `Cancelled`; no node stays then.
    """
    if not (math.isfinite(limit_mm) and limit_mm > 0):
        raise UsageError(f"The colours cannot reach to {limit_mm} mm.", remedy="Give a number above 0.")
    sides = read_sides(reference_node, test_node, matches=matches).on_one_grid()
    surfaces = _surfaces(sides, comparison, smooth=smooth, progress=progress, is_cancelled=is_cancelled)
    matrix = world_matrix(test_node)
    with new_nodes_removed(only_on_failure=True):
        colors = distance_color_node(limit_mm)
        models = [_model(name, _moved(surface, matrix), colors, limit_mm) for name, surface in surfaces]
        if matrix is not None:
            for model in models:
                model.SetAndObserveTransformNodeID(test_node.GetTransformNodeID())
        legend = add_legend(models[0])
        folder = put_into_folder(models, f"{test_node.GetName()}: distances", beside=test_node)
    progress(1.0, "Surfaces coloured")
    return DistanceNodes(tuple(models), colors, legend, folder)


def _surfaces(
    sides: Sides, comparison: Comparison | None, *, smooth: bool, progress: Progress, is_cancelled: IsCancelled
) -> list[tuple[str, Any]]:
    """(name, vtkPolyData in world RAS mm) of each structure that both sides have."""
    compared = None if comparison is None else {score.structure for score in comparison.scores}
    wanted = [pair.structure for pair in sides.pairs if compared is None or pair.structure.id in compared]
    labels = [structure.label for structure in wanted]
    together = None if sides.overlap else count_overlap(sides.reference.array, sides.test.array, labels)
    made = []
    for number, structure in enumerate(wanted):
        if is_cancelled():
            raise Cancelled
        progress(number / len(wanted), f"Surface of {structure.name}")
        alone = sides.only(structure) if sides.overlap else sides
        overlap = together or count_overlap(alone.reference.array, alone.test.array, [structure.label])
        counts, box = overlap.of(structure.label), overlap.boxes[overlap.labels.index(structure.label)]
        if box is not None and counts.reference and counts.test:
            near = (_cropped(alone.reference, box), _cropped(alone.test, box))
            made.append((structure.name, surface_distance_polydata(*near, structure.id, smooth=smooth)))
    if not made:
        raise InputError("No structure is in both segmentations.", remedy="Check which of their segments are matched.")
    return made


def _cropped(labels: LabelMap, box: Box) -> LabelMap:
    """A part of a label map, in its place; the surface of a bone needs no look at the whole image."""
    start = np.eye(4)
    start[:3, 3] = [span.start for span in reversed(box)]
    array = labels.array[box]
    nk, nj, ni = array.shape
    return replace(labels, array=array, geometry=Geometry((ni, nj, nk), labels.geometry.ijk_to_ras @ start))


def _moved(surface, matrix: np.ndarray | None):
    """A surface in world coordinates in those of a node with this matrix to the world."""
    if matrix is None or np.array_equal(matrix, np.eye(4)):
        return surface
    transform = vtk.vtkTransform()
    transform.SetMatrix(to_vtk(np.linalg.inv(matrix)))
    moved = vtk.vtkTransformPolyDataFilter()
    moved.SetTransform(transform)
    moved.SetInputData(surface)
    moved.Update()
    return moved.GetOutput()


def _model(name: str, surface, colors, limit_mm: float):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", f"{name} distance")
    with slicer.util.NodeModify(node):
        node.SetAndObservePolyData(surface)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        with slicer.util.NodeModify(display):
            display.SetActiveScalar(DISTANCE, vtk.vtkAssignAttribute.POINT_DATA)
            display.SetAndObserveColorNodeID(colors.GetID())
            display.SetScalarRangeFlag(slicer.vtkMRMLDisplayNode.UseManualScalarRange)
            display.SetScalarRange(-limit_mm, limit_mm)
            display.SetScalarVisibility(True)
    return node
