"""What a batch is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from BoneSegLib.errors import BoneSegError


@dataclass(frozen=True)
class Case:
    """One CT to segment.

    ``name``: where its output goes below the output folder, as ``folder/name`` without a suffix. ``image``: a file or
    a DICOM folder, of which ``series`` is taken (``None``: the only CT volume). ``reference``: the segmentation to
    compare with. ``problem``: what is already known to be wrong; the case then fails with it and the others go on.
    """

    name: str
    image: Path
    series: str | None = None
    reference: Path | None = None
    about: str = ""
    problem: BoneSegError | None = None

    def to_dict(self) -> dict[str, object]:
        """As plain data, for ``--dry-run --json``."""
        return {
            "case": self.name,
            "image": str(self.image),
            "series": self.series,
            "reference": str(self.reference) if self.reference else None,
            "about": self.about,
            "problem": self.problem.to_dict() if self.problem else None,
        }


@dataclass(frozen=True)
class LeftOut:
    """Something found that is not segmented, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Listing:
    """The cases of a batch in their order, what was left out, and what else a person should know."""

    cases: tuple[Case, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
