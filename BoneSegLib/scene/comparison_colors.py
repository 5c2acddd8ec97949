"""The colours of surface distances, and their legend."""

from __future__ import annotations

import numpy as np
import slicer

_STEPS = 255
_BLUE, _GREY, _RED = np.array([0.13, 0.35, 0.75]), np.array([0.87, 0.87, 0.87]), np.array([0.75, 0.12, 0.15])


def distance_color_node(limit_mm: float, *, name: str = "Surface distance"):
    """A new colour table from -limit (blue, the test lies inside) over 0 (grey) to +limit (red, outside), mm.

    Our own, since Slicer's tables are files that are not everywhere.
    """
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
    with slicer.util.NodeModify(node):
        node.SetTypeToUser()
        node.SetNumberOfColors(_STEPS)
        for number, share in enumerate(np.linspace(-1.0, 1.0, _STEPS)):
            end = _BLUE if share < 0 else _RED
            red, green, blue = _GREY + abs(share) * (end - _GREY)
            node.SetColor(number, f"{share * limit_mm:+.2f} mm", float(red), float(green), float(blue), 1.0)
        node.GetLookupTable().SetTableRange(-limit_mm, limit_mm)
    return node


def add_legend(model_node, *, title: str = "Distance (mm)"):
    """Shows a legend with a model's colours; ``None`` on a Slicer without legends."""
    if not hasattr(slicer, "vtkMRMLColorLegendDisplayNode"):
        return None
    legend = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorLegendDisplayNode", title)
    with slicer.util.NodeModify(legend):
        legend.SetTitleText(title)
        legend.SetLabelFormat("%+.1f")
        legend.SetAndObservePrimaryDisplayNode(model_node.GetDisplayNode())
        legend.SetAndObserveColorNodeID(model_node.GetDisplayNode().GetColorNodeID())
        legend.SetVisibility(True)
    model_node.AddAndObserveDisplayNodeID(legend.GetID())
    return legend
