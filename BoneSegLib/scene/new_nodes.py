"""Nodes that must not stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import slicer


@contextmanager
def new_nodes_removed(*, only_on_failure: bool = False) -> Iterator[None]:
    """Removes the nodes that were added inside, their display and storage nodes included."""
    before = _node_ids()
    failed = True
    try:
        yield
        failed = False
    finally:
        if failed or not only_on_failure:
            for node_id in _node_ids() - before:
                node = slicer.mrmlScene.GetNodeByID(node_id)
                # Removing a node can take its display node along.
                if node is not None:
                    slicer.mrmlScene.RemoveNode(node)


def _node_ids() -> set[str]:
    scene = slicer.mrmlScene
    return {scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())}
