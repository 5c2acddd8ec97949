"""What the client tells whoever polls it."""

from __future__ import annotations

from dataclasses import dataclass, field

from BoneSegLib.errors import BoneSegError
from BoneSegLib.volume import LabelMap
from BoneSegLib.worker.estimate import Estimate


@dataclass(frozen=True)
class Progressed:
    """``fraction`` from 0 to 1, and what is being done."""

    fraction: float
    message: str


@dataclass(frozen=True, eq=False)
class Finished:
    """The labels, and for each structure id what should be looked at again (`flags`)."""

    labels: LabelMap
    flags: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """The run ended without a result; for a run that was stopped, ``error`` is `BoneSegLib.errors.Cancelled`."""

    error: BoneSegError


@dataclass(frozen=True)
class Estimated:
    """The answer to `WorkerClient.estimate`."""

    estimate: Estimate


Event = Progressed | Finished | Failed | Estimated
