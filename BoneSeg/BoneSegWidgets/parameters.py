"""What belongs to the scene and is saved with it. What belongs to the computer is in `settings`."""

from typing import Annotated, Union

from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLMarkupsROINode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
)
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

# Union, since Slicer knows "A | B" not; and None must be in it.
Labels = Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, None]  # noqa: UP007


@parameterNodeWrapper
class BoneSegParameterNode:
    """``bones``: ids separated by commas; empty stands for all."""

    inputVolume: vtkMRMLScalarVolumeNode
    outputSegmentation: vtkMRMLSegmentationNode
    bones: str = ""
    quality: Annotated[str, Choice(["full", "fast"])] = "full"
    region: vtkMRMLMarkupsROINode
    visiblePartOnly: bool = False
    cleanUp: bool = True
    mirroring: bool = False
    refine: bool = True
    referenceSegmentation: Labels
    testSegmentation: Labels
    tolerance: Annotated[float, WithinRange(0.0, 20.0)] = 2.0
    comparisonMask: Labels
    comparisonRegion: vtkMRMLMarkupsROINode
    commonField: bool = False
