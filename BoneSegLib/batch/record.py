"""What is known of one case, kept as a file in the output folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from BoneSegLib.batch.cases import Case
from BoneSegLib.evaluation.tables import write_atomically

DONE, FAILED, WAITING = "done", "failed", "waiting"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One case: its inputs, how it went, and its numbers, all as plain data.

    ``status``: `DONE`, `FAILED` or `WAITING`. ``error``: kind, message, cause, remedy of a failure. ``output``: the
    file's name below the output folder, ``output_bytes`` its size, by which a resumed batch knows that it is whole.
    ``meshes``: the files of the surfaces, if any were asked for, and ``mesh_format`` their kind. ``structures``: id,
    name and colour of what was looked for. ``statistics``: one row per structure. ``flags``: structure id to remarks.
    ``comparison``: `Comparison.to_json`. ``seconds``: per step.
    """

    case: str
    status: str = WAITING
    image: str = ""
    series: str | None = None
    reference: str | None = None
    output: str | None = None
    output_bytes: int | None = None
    meshes: list[str] = field(default_factory=list)
    mesh_format: str | None = None
    error: dict[str, Any] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    seconds_total: float = 0.0
    notes: list[str] = field(default_factory=list)
    structures: list[dict[str, Any]] = field(default_factory=list)
    statistics: list[dict[str, Any]] = field(default_factory=list)
    flags: dict[str, list[str]] = field(default_factory=dict)
    comparison: dict[str, Any] | None = None
    info: dict[str, Any] = field(default_factory=dict)

    @property
    def found(self) -> int:
        """How many structures have voxels."""
        return sum(bool(row.get("voxels")) for row in self.statistics)

    @property
    def mean_dice(self) -> float | None:
        return self.comparison["mean"]["dice"] if self.comparison else None

    def scores(self) -> list[dict[str, Any]]:
        """The rows of the comparison, without their mean."""
        return list(self.comparison["structures"]) if self.comparison else []


def inputs_of(case: Case) -> dict[str, Any]:
    """The fields of a record that say what the case is made of."""
    reference = str(case.reference) if case.reference else None
    return {"case": case.name, "image": str(case.image), "series": case.series, "reference": reference}


def write_record(record: Record, path: Path) -> None:
    """Writes it whole or not at all. Raises `OutputError`, `ResourceError`."""
    write_atomically(path, json.dumps(asdict(record), default=float, indent=1) + "\n")


def read_record(path: Path) -> Record | None:
    """``None`` where there is none that can be understood; the case is then done again."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        known = {one.name for one in fields(Record)}
        return Record(**{name: value for name, value in data.items() if name in known})
    except (OSError, ValueError, TypeError, AttributeError):
        return None
