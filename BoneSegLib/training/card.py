"""What a model folder says about itself: name, licence, sources, training, measured accuracy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The part of boneseg.json that is not about files. ``accuracy`` holds measured values only."""

    name: str
    version: str
    title: str
    license: str
    attribution: tuple[str, ...]
    training: dict[str, Any] = field(default_factory=dict)
    accuracy: dict[str, Any] = field(default_factory=dict)


BONES = ModelCard(
    name="boneseg-bones-1",
    version="1.0.0",
    title="Ten bones in CT: hips, sacrum, femurs, L1-L5",
    license="CC-BY-4.0",
    attribution=(
        "Trained on synthetic CT made from label maps of the TotalSegmentator dataset: J. Wasserthal et al., "
        "'TotalSegmentator: Robust Segmentation of 104 Anatomic Structures in CT Images', Radiology: Artificial "
        "Intelligence 2023, CC BY 4.0.",
        "In part bent to the shapes of other people: R. Han et al., 'Atlas of Pelvis Segmentations and Surgical "
        "Trajectories', Physics in Medicine and Biology 2019, CC BY 4.0; LLP26 articulated lower-limb shapes of the "
        "Musculoskeletal Atlas Project, MPL-2.0; lumbar vertebrae of a Visible Human based lumbosacral model, "
        "BSD-3-Clause.",
        "Method: B. Billot et al., 'SynthSeg', Medical Image Analysis 2023; F. Isensee et al., 'nnU-Net', Nature "
        "Methods 2021.",
    ),
)
"""The bundled model. No patient's CT was used to train it, but for HU inside the bones of one."""
