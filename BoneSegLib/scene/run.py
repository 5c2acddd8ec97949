"""The main job on nodes: a volume node in, a segmentation node out."""

from __future__ import annotations

from BoneSegLib.errors import InputError
from BoneSegLib.options import IsCancelled, Progress, SegmentOptions, never_cancelled, no_progress
from BoneSegLib.scene.read import volume_from_node
from BoneSegLib.scene.sequence import frames_of, write_frames
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


def segment_frames(
    volume_node,
    options: SegmentOptions | None = None,
    *,
    name: str | None = None,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
):
    """Segments each frame of the sequence that ``volume_node`` shows; returns the node that shows their segmentations.

    See `BoneSegLib.scene.sequence.write_frames`; as there, the scene is touched once everything is computed. Raises a
    `BoneSegError`; `InputError` for a volume that shows no sequence.
    """
    from BoneSegLib.inference.engine import segment

    frames = frames_of(volume_node)
    if frames is None:
        raise InputError("The volume is no frame of a sequence.", remedy="Segment it as it is.")
    labels = []
    for number in range(frames.count):

        def tell(fraction: float, message: str, number: int = number) -> None:
            progress((number + fraction) / frames.count, f"Frame {number + 1} of {frames.count}: {message}")

        labels.append(segment(frames.volume(number), options, progress=tell, is_cancelled=is_cancelled))
    return write_frames(frames, labels, name=name or f"{volume_node.GetName()} bones")
