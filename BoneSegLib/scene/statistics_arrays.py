"""Statistics without Slicer's module: counts and HU by numpy, shape by the ITK filter that Slicer's module uses."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from scipy import ndimage
from vtk.util.numpy_support import vtk_to_numpy

from BoneSegLib.scene.label_shapes import label_shapes
from BoneSegLib.scene.layers import find_layers, in_world, own_voxels, voxels_on
from BoneSegLib.scene.matrices import image_geometry, node_geometry
from BoneSegLib.scene.statistics_columns import Row, make_row
from BoneSegLib.volume import count_labels

_PERCENTILES = {
    "hu_percentile_05": 5,
    "hu_percentile_10": 10,
    "hu_median": 50,
    "hu_percentile_90": 90,
    "hu_percentile_95": 95,
}


def measure_with_arrays(segmentation_node, volume_node) -> list[Row]:
    """Rows as `compute_statistics` tells them."""
    image = vtk_to_numpy(volume_node.GetImageData().GetPointData().GetScalars())
    hu = image.reshape(node_geometry(volume_node).shape)
    measured: dict[str, dict[str, object]] = {}
    for layer in find_layers(segmentation_node):
        moved = in_world(layer.image, segmentation_node)
        world = image_geometry(moved)
        labels = own_voxels(moved)
        on_volume = _on_volume(layer.image, segmentation_node, volume_node)
        values = [value for _segment_id, value in layer.values]
        shapes = label_shapes(labels, world, values)
        counts = count_labels(labels, largest=max(0, *values, int(labels.max(initial=0))))
        boxes = ndimage.find_objects(on_volume)
        for segment_id, value in layer.values:
            volume = float(counts[value]) * world.voxel_volume
            sizes = {"voxels": int(counts[value]), "volume_mm3": volume, "volume_cm3": volume / 1000.0}
            box = boxes[value - 1] if value <= len(boxes) else None
            intensities = {} if box is None else _intensities(hu[box][on_volume[box] == value])
            measured[segment_id] = {**sizes, **intensities, **shapes.get(value, {})}
    segmentation = segmentation_node.GetSegmentation()
    nothing: dict[str, object] = {"voxels": 0, "volume_mm3": 0.0, "volume_cm3": 0.0}
    return [
        make_row(segment_id, segmentation.GetSegment(segment_id).GetName(), measured.get(segment_id, nothing))
        for segment_id in segmentation.GetSegmentIDs()
    ]


def _on_volume(image, segmentation_node, volume_node) -> np.ndarray:
    """The labels on the volume's grid, whatever transforms the two lie under."""
    if segmentation_node.GetTransformNodeID() == volume_node.GetTransformNodeID():
        return voxels_on(image, node_geometry(volume_node))
    between = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        segmentation_node.GetParentTransformNode(), volume_node.GetParentTransformNode(), between
    )
    return voxels_on(image, node_geometry(volume_node), through=between)


def _intensities(values: np.ndarray) -> dict[str, object]:
    if values.size == 0:
        return {}
    numbers = values.astype(np.float64)
    percentiles = np.percentile(numbers, list(_PERCENTILES.values()))
    return {
        "hu_mean": float(numbers.mean()),
        # As Slicer, which estimates the deviation of the bone from its voxels.
        "hu_sd": float(numbers.std(ddof=1)) if numbers.size > 1 else 0.0,
        "hu_min": float(numbers.min()),
        "hu_max": float(numbers.max()),
        **{column: float(value) for column, value in zip(_PERCENTILES, percentiles, strict=True)},
    }
