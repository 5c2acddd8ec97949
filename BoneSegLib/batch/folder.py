"""The output folder of a batch: where everything lies, what a kill left behind, and whether a result is whole."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.record import DONE, Record, read_record
from BoneSegLib.errors import OutputError, UsageError
from BoneSegLib.evaluation.tables import write_atomically
from BoneSegLib.headless.atomic import check_writable

# The names that `atomic.replacing` and `atomic.check_writable` use until a file is whole.
_HALF_WRITTEN = re.compile(r"^\.[0-9a-f]{8}\.part(\.|$)")


@dataclass(frozen=True)
class OutputFolder:
    """``root`` is what the user named, ``suffix`` that of the segmentations, with its dot.

    What the batch itself needs (a record and a picture of each case) is kept in the hidden folder ``.boneseg``.
    """

    root: Path
    suffix: str

    @property
    def hidden(self) -> Path:
        return self.root / ".boneseg"

    @property
    def stop(self) -> Path:
        """The file by which workers on other machines are told to stop."""
        return self.hidden / "stop"

    def output_name(self, case: str) -> str:
        return case + self.suffix

    def output(self, case: str) -> Path:
        return self.root / self.output_name(case)

    def record(self, case: str) -> Path:
        return self.hidden / "cases" / f"{case}.json"

    def picture(self, case: str) -> Path:
        return self.hidden / "pictures" / f"{case}.png"

    def prepare(self) -> None:
        """Makes the folder and checks that it can be written. Raises `OutputError`."""
        check_writable(self.root / "cases.csv")
        self.hidden.mkdir(exist_ok=True)

    def make_room(self, case: str) -> None:
        """Makes the folders that the files of a case lie in. Raises `OutputError`."""
        try:
            for path in (self.output(case), self.record(case), self.picture(case)):
                path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder of the case '{case}' cannot be made.",
                cause=error.strerror or "",
                remedy="Choose another output folder.",
            ) from error

    def remove_half_written(self) -> int:
        """Removes the temporary files that a kill left, and says how many; called when no other batch runs here."""
        left = [path for path in self.root.rglob(".*") if _HALF_WRITTEN.match(path.name) and path.is_file()]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def finished(self, case: Case) -> Record | None:
        """The record of a case that was done and whose output is there as it was written."""
        record = read_record(self.record(case.name))
        if record is None or record.status != DONE or record.output != self.output_name(case.name):
            return None
        if case.reference is not None and record.comparison is None:
            return None
        path = self.output(case.name)
        return record if path.is_file() and path.stat().st_size == record.output_bytes else None

    def require_apart_from(self, cases: tuple[Case, ...]) -> None:
        """Raises `UsageError` where an output would replace an image or a reference of the batch."""
        outputs = {self.output(case.name).resolve() for case in cases}
        for case in cases:
            for path in (case.image, case.reference):
                if path is not None and path.resolve() in outputs:
                    raise UsageError(
                        f"The result would replace the input '{path}'.", remedy="Choose another output folder."
                    )

    def keep_settings(self, settings: dict[str, Any], *, resume: bool) -> None:
        """Notes how the results are made; a resumed batch must go on in the same way. Raises `UsageError`."""
        path = self.hidden / "settings.json"
        before = _read_json(path) if resume else None
        changed = [] if before is None else sorted(key for key in settings if before.get(key) != settings[key])
        if changed and before is not None:
            told = "; ".join(
                f"{key} was {_plain(before.get(key))}, now it is {_plain(settings[key])}" for key in changed
            )
            raise UsageError(
                "The folder was made with other options, and a cohort should be made in one way.",
                cause=told + ".",
                remedy="Resume with the same options, or choose another output folder.",
            )
        write_atomically(path, json.dumps(settings, indent=1, default=str) + "\n")


def _plain(setting: Any) -> str:
    """A setting as a person would say it."""
    if setting is None:
        return "not given"
    return ", ".join(map(str, setting)) if isinstance(setting, list) else str(setting)


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None
