"""The part of a volume that a run is limited to, from a region of interest or from what the slice views show."""

from __future__ import annotations

import itertools

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from BoneSegLib.errors import InputError


def regionOf(volumeNode, roiNode, visiblePartOnly: bool) -> tuple[float, ...] | None:
    """(R1, R2, A1, A2, S1, S2) in the volume's own RAS, its transforms left out; None for the whole volume.

    With both limits, what lies in both. Raises InputError when nothing is left.
    """
    boxes = []
    if roiNode is not None:
        boxes.append(_roiBounds(roiNode))
    if visiblePartOnly:
        boxes.append(_visibleBounds())
    boxes = [box for box in boxes if box is not None]
    if not boxes:
        return None
    low = np.max([box[0] for box in boxes], axis=0)
    high = np.min([box[1] for box in boxes], axis=0)
    if (low >= high).any():
        raise InputError(_("Region and visible part have nothing in common."), remedy=_("Move the region into view."))
    low, high = _toVolume(volumeNode, low, high)
    return tuple(float(value) for pair in zip(low, high, strict=True) for value in pair)


def _roiBounds(roiNode):
    bounds = [0.0] * 6
    roiNode.GetRASBounds(bounds)
    return np.array(bounds[0::2]), np.array(bounds[1::2])


def _visibleBounds():
    """What all slice views show: each limits the two directions that it shows; none for views that are not there."""
    low, high = np.full(3, -np.inf), np.full(3, np.inf)
    for sliceNode in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        if not sliceNode.IsMappedInLayout():
            continue
        matrix, field = sliceNode.GetSliceToRAS(), sliceNode.GetFieldOfView()
        corners = [
            matrix.MultiplyPoint((x * field[0] / 2, y * field[1] / 2, 0.0, 1.0))[:3]
            for x, y in itertools.product((-1, 1), repeat=2)
        ]
        first, last = np.min(corners, axis=0), np.max(corners, axis=0)
        shown = last - first > 1.0
        low[shown] = np.maximum(low[shown], first[shown])
        high[shown] = np.minimum(high[shown], last[shown])
    far = 1e4
    return (np.maximum(low, -far), np.minimum(high, far)) if np.isfinite(low).any() else None


def _toVolume(volumeNode, low, high):
    """The box around a world box in the volume's own coordinates."""
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(None, volumeNode.GetParentTransformNode(), transform)
    corners = [
        transform.TransformPoint([float(value) for value in corner])
        for corner in itertools.product(*zip(low, high, strict=True))
    ]
    return np.min(corners, axis=0), np.max(corners, axis=0)
