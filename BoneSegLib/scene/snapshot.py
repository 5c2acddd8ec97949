"""A segmentation node as it was, to go back to when something fails."""

from __future__ import annotations

import slicer

_REFERENCES = ("referenceImageGeometryRef", "transform")


class Snapshot:
    """Keeps a node's segments, name, attributes and references; `restore` puts them back."""

    def __init__(self, node) -> None:
        self._node = node
        self._name = node.GetName()
        # A deep copy: removing a segment wipes its voxels out of the layer that it shares with others.
        self._segmentation = slicer.vtkSegmentation()
        self._segmentation.DeepCopy(node.GetSegmentation())
        self._attributes = {name: node.GetAttribute(name) for name in node.GetAttributeNames() or ()}
        self._references = {role: node.GetNodeReferenceID(role) for role in _REFERENCES}

    def restore(self) -> None:
        node = self._node
        with slicer.util.NodeModify(node):
            node.GetSegmentation().DeepCopy(self._segmentation)
            node.SetName(self._name)
            for name in node.GetAttributeNames() or ():
                if name not in self._attributes:
                    node.RemoveAttribute(name)
            for name, value in self._attributes.items():
                node.SetAttribute(name, value)
            for role, node_id in self._references.items():
                node.SetNodeReferenceID(role, node_id)
