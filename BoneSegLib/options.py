"""The choices of one run, checked when they are made."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from BoneSegLib.errors import UsageError

QUALITIES = ("fast", "full")
DEVICES = ("auto", "cpu", "cuda", "mps")
SYNTHESIS_DEVICES = ("auto", "cpu", "cuda")
"""Apple's graphics cards lack the reading between voxels in three dimensions that synthetic CT needs."""
PRECISIONS = ("auto", "fp32", "bf16")

MOST_DRAFTS = 3

Progress = Callable[[float, str], None]
"""Called with the share done, 0 to 1, and what is being done."""

IsCancelled = Callable[[], bool]
"""Asked between windows; True stops the run with `BoneSegLib.errors.Cancelled`."""


def no_progress(fraction: float, message: str) -> None:
    """Takes progress and says nothing."""


def never_cancelled() -> bool:
    """Nobody asked to stop."""
    return False


@dataclass(frozen=True, kw_only=True)
class SegmentOptions:
    """How to segment.

    ``structures``: ids or groups (``None`` = all ten). ``model``: a model folder (``None`` = the bundled one).
    ``folds``: fold numbers as text, or ``("all",)``; several are averaged (``None`` = every fold the stage has).
    ``mirroring``: test-time augmentation over the axes that the model allows; in models of bones, the last network sees
    the image mirrored with left and right swapped. ``force``: go on despite a warning.
    ``roi``: only inside this box, (R1, R2, A1, A2, S1, S2) in RAS mm of the volume (its parent transform left out).
    ``drafts``: so many times the last network of a cascade of bones first looks at windows side by side, each time a
    quarter of its work, and is then asked again with this draft as the names (``None``: by the quality).
    ``refine``: move the edges of bones to where the CT has them, within half a voxel of the last network's grid; in a
    cascade of bones, what that network is not quite sure of counts as bone before.
    ``second_look``: the first network of a cascade of bones sees the image mirrored too, left and right swapped.
    ``discs``: move the names of vertebrae to the discs that the image shows, and count them anew. ``drop_unnamed``:
    bones that the last network of a cascade finds, more than just at an end of the scan (of a vertebra 3 cm at the
    upper one) or very small there, though the first named next to nothing so. ``drop_lifted``: femurs above the middle
    of the sacrum. ``drop_islands``: far smaller than a bone's largest piece, or far from it, and bones of a few voxels
    of the first network. ``fill_holes``: that a bone encloses.
    ``coarse_to_fine``: run a finer network only around the bones that the coarser one found.
    """

    structures: tuple[str, ...] | None = None
    quality: str = "full"
    device: str = "auto"
    precision: str = "auto"
    model: Path | None = None
    folds: tuple[str, ...] | None = None
    mirroring: bool = False
    roi: tuple[float, ...] | None = None
    force: bool = False
    second_look: bool = True
    discs: bool = True
    drop_unnamed: bool = True
    drop_lifted: bool = True
    drop_islands: bool = True
    fill_holes: bool = True
    drafts: int | None = None
    refine: bool = True
    coarse_to_fine: bool = True

    def __post_init__(self) -> None:
        _require_choice("quality", self.quality, QUALITIES)
        _require_choice("precision", self.precision, PRECISIONS)
        check_device(self.device)
        if self.drafts is not None and self.drafts not in range(MOST_DRAFTS + 1):
            raise UsageError(f"{self.drafts} drafts are not possible.", remedy=f"Choose from 0 to {MOST_DRAFTS}.")
        if self.roi is not None and (len(self.roi) != 6 or not all(math.isfinite(edge) for edge in self.roi)):
            raise UsageError("A region has six numbers.", remedy="Give R1,R2,A1,A2,S1,S2 in mm.")

    def to_dict(self) -> dict[str, object]:
        """As plain data; the model folder by its name alone, since a path may hold a person's name."""
        data = asdict(self)
        data["model"] = self.model.name if self.model else None
        return data


def check_device(name: str, choices: tuple[str, ...] = DEVICES) -> None:
    """Raises `UsageError` unless it is one of ``choices``; a graphics card may bear its number, as in ``cuda:1``."""
    if not ("cuda" in choices and re.fullmatch(r"cuda:(0|[1-9]\d?)", name)):
        _require_choice("device", name, choices)


def _require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"Unknown {name} '{value}'.", remedy="Choose from: " + ", ".join(choices) + ".")
