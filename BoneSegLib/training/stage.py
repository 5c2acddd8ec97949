"""The networks that training knows: resolution, window and size of each stage of a model."""

from __future__ import annotations

from dataclasses import dataclass

from BoneSegLib.models.architecture import Architecture
from BoneSegLib.models.plans import Intensity

Triple = tuple[int, int, int]

CT_WINDOW = Intensity(mean=150.0, std=350.0, lower=-300.0, upper=1200.0)
"""CT normalisation: below fat nothing tells one bone from another, above 1200 HU only dense cortex and metal."""


@dataclass(frozen=True)
class StagePlan:
    """One stage. ``spacing`` in mm, ``patch`` in voxels (kji); ``features`` per resolution level, halved in between;
    ``image_order`` of the spline that resamples images for it."""

    name: str
    spacing: float
    patch: Triple
    features: tuple[int, ...]
    previous: str | None = None
    following: str | None = None
    intensity: Intensity = CT_WINDOW
    image_order: int = 3

    @property
    def architecture(self) -> Architecture:
        """The same network in terms of the model folder."""
        levels = len(self.features)
        strides: tuple[Triple, ...] = ((1, 1, 1), *(((2, 2, 2),) * (levels - 1)))
        return Architecture(features=self.features, kernels=((3, 3, 3),) * levels, strides=strides)

    def in_channels(self, classes: int) -> int:
        """The CT and, after a previous stage, one channel per foreground class."""
        return 1 + (classes - 1 if self.previous else 0)


LOWRES = StagePlan(
    name="3d_lowres",
    spacing=6.0,
    patch=(80, 64, 80),
    features=(8, 24, 64, 128, 160),
    following="3d_cascade_fullres",
    image_order=1,
)
"""Names the bones: the whole field of view in one window, 480 x 384 x 480 mm. Its examples are read linearly, so images
are too: with nnU-Net's cubic splines the names' Dice is 0.01 lower."""

CASCADE = StagePlan(
    name="3d_cascade_fullres",
    spacing=2.0,
    patch=(64, 64, 64),
    features=(8, 16, 32, 64, 96),
    previous="3d_lowres",
)
"""Finds the edges: gets the names of `LOWRES` as input. At 2 mm a window shows three vertebrae, enough to tell where
one name ends and the next begins, and covers 2.4 times as much as at 1.5 mm for the same work."""

STAGES = {stage.name: stage for stage in (LOWRES, CASCADE)}
