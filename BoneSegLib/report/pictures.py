"""Pictures of a segmentation: three slices with coloured bones, and the bones in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from BoneSegLib.inference.frame import make_frame
from BoneSegLib.volume import LabelMap, Volume

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

WINDOW_HU = (-200.0, 700.0)
OPACITY = 0.45
TITLES = ("axial", "coronal", "sagittal")
SIDES = (("R", "L"), ("R", "L"), ("A", "P"))
"""Of the patient, at the left and at the right edge of each slice."""


def slice_pictures(volume: Volume, labels: LabelMap) -> list[np.ndarray]:
    """Axial, coronal and sagittal RGB pictures (rows, columns, 3; uint8) through the middle of the bones.

    As radiologists look at them: the patient's right on the left, head up, front to the left in the sagittal one.
    Pixels are square, as small as the image's finest spacing.
    """
    frame = make_frame(volume.array, volume.geometry, canonical=True, transpose=(0, 1, 2))
    image, marks = frame.view(volume.array), frame.view(labels.array)
    spacing = frame.spacing(volume.geometry)
    k, j, i = _middle(marks)
    colors = _color_table(labels)
    cuts = (
        (image[k], marks[k], spacing[1], spacing[2]),
        (image[::-1, j], marks[::-1, j], spacing[0], spacing[2]),
        (image[::-1, :, i], marks[::-1, :, i], spacing[0], spacing[1]),
    )
    finest = min(spacing)
    return [_square(_blend(gray, mark, colors), down / finest, across / finest) for gray, mark, down, across in cuts]


def bone_surfaces(labels: LabelMap) -> list[vtkPolyData]:
    """The closed surface of each bone in its colour (RAS mm)."""
    from scipy import ndimage
    from vtkmodules.util.numpy_support import numpy_to_vtk

    from BoneSegLib.evaluation.surface_mesh import mask_polydata

    boxes = ndimage.find_objects(labels.array)
    surfaces = []
    for structure in labels.structures:
        box = boxes[structure.label - 1] if structure.label <= len(boxes) else None
        if box is None:
            continue
        surface = mask_polydata(labels.array[box] == structure.label, box, labels.geometry)
        rgb = np.tile(np.array(structure.color, dtype=np.uint8), (surface.GetNumberOfPoints(), 1))
        scalars = numpy_to_vtk(rgb, deep=True)
        scalars.SetName("Color")
        surface.GetPointData().SetScalars(scalars)
        surfaces.append(surface)
    return surfaces


def _middle(marks: np.ndarray) -> tuple[int, int, int]:
    """Where most bone can be seen along each axis, or the image's middle where there is none."""
    if not marks.any():
        a, b, c = (size // 2 for size in marks.shape)
        return (a, b, c)
    kinds = [np.zeros(size, dtype=np.int64) for size in marks.shape]
    for axis, counts in enumerate(kinds):
        for index in range(marks.shape[axis]):
            plane = marks.take(index, axis=axis)
            # Many different bones first, then much of them: a slice that shows the result at a glance.
            counts[index] = np.count_nonzero(np.bincount(plane.ravel())[1:] > 20) * 10**7 + np.count_nonzero(plane)
    a, b, c = (int(counts.argmax()) for counts in kinds)
    return (a, b, c)


def _color_table(labels: LabelMap) -> np.ndarray:
    table = np.zeros((256, 3), dtype=np.float32)
    for structure in labels.structures:
        table[structure.label] = structure.color
    return table


def _blend(gray: np.ndarray, mark: np.ndarray, colors: np.ndarray) -> np.ndarray:
    low, high = WINDOW_HU
    shown = np.clip((gray.astype(np.float32) - low) / (high - low), 0, 1)[..., None] * 255
    alpha = np.where(mark > 0, OPACITY, 0.0)[..., None]
    return (shown * (1 - alpha) + colors[mark] * alpha).astype(np.uint8)


def _square(picture: np.ndarray, down: float, across: float) -> np.ndarray:
    rows = np.minimum((np.arange(round(len(picture) * down)) / down).astype(int), len(picture) - 1)
    width = picture.shape[1]
    columns = np.minimum((np.arange(round(width * across)) / across).astype(int), width - 1)
    return picture[rows][:, columns]
