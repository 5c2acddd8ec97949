"""A segmentation as somebody saved it from Slicer, whatever its segments are called."""

from __future__ import annotations

from pathlib import Path

from BoneSegLib.anatomy import foreign_structure
from BoneSegLib.errors import InputError
from BoneSegLib.headless.messages import Warn, log_warning
from BoneSegLib.headless.read import read_segmentation
from BoneSegLib.headless.runtime import ensure_runtime
from BoneSegLib.volume import Geometry, LabelMap

_MOST = 255


def read_segments(path: str | Path, grid: Geometry, *, warn: Warn = log_warning) -> tuple[LabelMap, dict[int, str]]:
    """All segments of a ``.seg.nrrd`` file as labels 1, 2, 3, ... on ``grid``, and label -> name of its segment.

    The structures of the label map are the segments' ids, in the file's order; where segments overlap, the later one
    wins. Raises `InputError`; the scene stays as it was.
    """
    ensure_runtime()
    from BoneSegLib.scene.labels import labelmap_from_segmentation, segment_names
    from BoneSegLib.scene.new_nodes import new_nodes_removed

    with new_nodes_removed():
        node = read_segmentation(path, warn=warn)
        ids = list(node.GetSegmentation().GetSegmentIDs())
        names = dict(enumerate(segment_names(node), start=1))
        if not ids or len(ids) > _MOST:
            raise InputError(
                f"'{Path(path).name}' holds {len(ids)} segments.", remedy=f"Give a segmentation with 1 to {_MOST}."
            )
        structures = [foreign_structure(label, segment_id) for label, segment_id in enumerate(ids, start=1)]
        return labelmap_from_segmentation(node, reference=grid, structures=structures), names
