"""What the report needs of all cases at once: few numbers per case and bone."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from BoneSegLib.batch.record import Record
from BoneSegLib.flags.kinds import PARTS

_LIMIT = 3.5
_FEWEST = 5
_SMALLEST_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class Bone:
    """One structure of one case. ``volume_ml`` is 0 where it was not found; ``dice`` and ``reference_ml`` may lack."""

    case: str
    id: str
    volume_ml: float
    hu_mean: float | None
    flags: tuple[str, ...]
    dice: float | None = None
    reference_ml: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether its volume can be compared with that of other patients."""
        return self.volume_ml > 0 and not set(PARTS).intersection(self.flags)


@dataclass(frozen=True)
class Cohort:
    """The bones of all cases that were done, and the structures that were looked for, in their order."""

    bones: tuple[Bone, ...]
    structures: tuple[dict[str, Any], ...]
    info: dict[str, Any]
    cases: tuple[str, ...]

    def of_structure(self, structure: str) -> list[Bone]:
        return [bone for bone in self.bones if bone.id == structure]

    def by_case(self) -> dict[str, list[Bone]]:
        found: dict[str, list[Bone]] = {case: [] for case in self.cases}
        for bone in self.bones:
            found[bone.case].append(bone)
        return found

    def name(self, structure: str) -> str:
        return next((str(one["name"]) for one in self.structures if one["id"] == structure), structure)


def collect(records: Iterable[Record]) -> Cohort:
    """Takes from each record what the report needs."""
    bones: list[Bone] = []
    structures: dict[str, dict[str, Any]] = {}
    info: dict[str, Any] = {}
    cases = []
    for record in records:
        cases.append(record.case)
        info = info or record.info
        structures.update({one["id"]: one for one in record.structures if one["id"] not in structures})
        scores = {score["structure"]: score for score in record.scores()}
        bones += [_bone(record, row, scores.get(row["id"], {})) for row in record.statistics]
    return Cohort(tuple(bones), tuple(structures.values()), info, tuple(cases))


def _bone(record: Record, row: dict[str, Any], score: dict[str, Any]) -> Bone:
    return Bone(
        case=record.case,
        id=row["id"],
        volume_ml=float(row.get("volume_cm3") or 0.0),
        hu_mean=row.get("hu_mean"),
        flags=tuple(record.flags.get(row["id"], ())),
        dice=score.get("dice"),
        reference_ml=score.get("volume_reference_ml"),
    )


def outlying(values: Sequence[float]) -> list[bool]:
    """Which values lie far from the others: more than 3.5 robust standard deviations (from the median's) away.

    Robust, since one bad case must not widen the range by which it is judged. None of fewer than five values.
    """
    if len(values) < _FEWEST:
        return [False] * len(values)
    middle = statistics.median(values)
    spread = 1.4826 * statistics.median(abs(value - middle) for value in values)
    # Cases nearly all alike (phantoms, repeated scans) would make every small difference an outlier.
    spread = max(spread, _SMALLEST_SPREAD * abs(middle))
    return [abs(value - middle) > _LIMIT * spread for value in values]
