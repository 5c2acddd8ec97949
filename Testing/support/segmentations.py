"""Labels, and what of a scene and of a segmentation must stay as it was."""

from __future__ import annotations

import numpy as np

from BoneSegLib.volume import Geometry, LabelMap

GEOMETRY = Geometry.from_spacing((20, 18, 16), (1.0, 1.0, 2.0), origin=(5, 6, 7), directions=np.diag([-1.0, -1, 1]))


def some_labels(*, last: int = 7, **options) -> LabelMap:
    """Blocks of the first ``last`` structures, one above the other."""
    array = np.zeros(GEOMETRY.shape, np.uint8)
    for label in range(1, last + 1):
        array[2 * label - 1 : 2 * label + 1, 4:12, 3:9] = label
    return LabelMap(array, GEOMETRY, **options)


def write(*arguments, **options):
    from BoneSegLib.scene.write import write_segmentation

    return write_segmentation(*arguments, **options)


def state(scene) -> dict[str, object]:
    """What a user would notice: the nodes and, for segmentations, what is in them."""
    found: dict[str, object] = {}
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        found[node.GetID()] = (node.GetName(), node.GetTransformNodeID() if hasattr(node, "GetTransformNodeID") else "")
        if node.IsA("vtkMRMLSegmentationNode"):
            found[node.GetID() + " content"] = content(node)
    return found


def content(node) -> dict[str, object]:
    from BoneSegLib.scene.layers import find_layers, own_voxels

    segmentation = node.GetSegmentation()
    voxels = {
        segment_id: int((own_voxels(layer.image) == value).sum())
        for layer in find_layers(node)
        for segment_id, value in layer.values
    }
    return {
        "segments": [(one, segmentation.GetSegment(one).GetName()) for one in segmentation.GetSegmentIDs()],
        "voxels": voxels,
        "attributes": {name: node.GetAttribute(name) for name in node.GetAttributeNames() or ()},
        "references": [node.GetNodeReferenceID(role) for role in ("referenceImageGeometryRef", "transform")],
    }
