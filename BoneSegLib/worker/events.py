"""What the client tells whoever polls it."""

from __future__ import annotations

from dataclasses import dataclass, field

from BoneSegLib.errors import BoneSegError
from BoneSegLib.evaluation.result import Comparison
from BoneSegLib.volume import LabelMap
from BoneSegLib.worker.estimate import Estimate


@dataclass(frozen=True)
class Progressed:
    """``fraction`` from 0 to 1, and what is being done."""

    fraction: float
    message: str


@dataclass(frozen=True, eq=False)
class Finished:
    """The labels; for each structure id its ``volume_ml`` and ``hu_mean``, and what should be looked at again."""

    labels: LabelMap
    flags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    measures: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Compared:
    """The answer to `WorkerClient.compare`."""

    comparison: Comparison


@dataclass(frozen=True)
class Failed:
    """The run ended without a result; for a run that was stopped, ``error`` is `BoneSegLib.errors.Cancelled`."""

    error: BoneSegError


@dataclass(frozen=True)
class Estimated:
    """The answer to `WorkerClient.estimate`; ``estimate`` is ``None`` when there is none, for the ``error`` given."""

    estimate: Estimate | None
    error: BoneSegError | None = None


Event = Progressed | Finished | Compared | Failed | Estimated
