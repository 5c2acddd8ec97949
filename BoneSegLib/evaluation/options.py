"""How two label maps are to be compared."""

from __future__ import annotations

import math
from dataclasses import dataclass

from BoneSegLib.errors import UsageError
from BoneSegLib.volume import LabelMap

SURFACES = ("surfel", "voxel")


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The choices of one comparison.

    ``tolerance_mm``: the distance up to which two surfaces count as the same (normalised surface Dice).
    ``surface``: ``"surfel"`` (surface elements weighted by their area) or ``"voxel"`` (centres of boundary voxels, each
    counting the same). ``structures``: ids or groups (``None`` = all that the label maps know: the ten bones).
    ``mask``: only voxels where this map is not 0 are compared; it may lie on any grid.
    """

    tolerance_mm: float = 2.0
    surface: str = "surfel"
    structures: tuple[str, ...] | None = None
    mask: LabelMap | None = None

    def __post_init__(self) -> None:
        if self.surface not in SURFACES:
            raise UsageError(f"Unknown surface '{self.surface}'.", remedy="Choose from: " + ", ".join(SURFACES) + ".")
        if not (math.isfinite(self.tolerance_mm) and self.tolerance_mm >= 0):
            raise UsageError(
                f"The tolerance of {self.tolerance_mm} mm is unusable.", remedy="Give a finite number of 0 or more."
            )
