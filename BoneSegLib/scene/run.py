"""The main job on nodes: a volume node in, a segmentation node out."""

from __future__ import annotations

from BoneSegLib.options import IsCancelled, Progress, SegmentOptions, never_cancelled, no_progress
from BoneSegLib.scene.read import volume_from_node
from BoneSegLib.scene.write import write_segmentation


def segment_node(
    volume_node,
    segmentation_node=None,
    options: SegmentOptions | None = None,
    *,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
):
    """Segments ``volume_node`` into ``segmentation_node`` (a new one for ``None``) and returns it.

    Everything is computed before the scene is touched: cancelled or failed, it is as it was. Raises a `BoneSegError`,
    see `BoneSegLib.inference.engine.segment` and `BoneSegLib.scene.write.write_segmentation`.
    """
    from BoneSegLib.inference.engine import segment

    volume = volume_from_node(volume_node)
    labels = segment(volume, options, progress=progress, is_cancelled=is_cancelled)
    return write_segmentation(labels, volume_node, segmentation_node)
