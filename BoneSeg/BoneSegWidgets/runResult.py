"""A run that is in the scene, and how it is told: a line, a row for each bone, the lines that repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from slicer.i18n import tr as _

from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.flags import noted_confidence
from BoneSegLib.options import SegmentOptions
from BoneSegLib.scene.vertebrae import CHAIN
from BoneSegWidgets.bonePicker import colorIcon
from BoneSegWidgets.tables import Column
from BoneSegWidgets.texts import boneName, deviceName, flagText

_SHOWN = {each.id: each for each in (*STRUCTURES, *CHAIN)}
_ORDER = [*(each.id for each in STRUCTURES if each not in CHAIN), *(each.id for each in CHAIN)]


@dataclass(frozen=True)
class RunResult:
    """``renamed``: vertebrae that were called otherwise by the run, by the id that it gave them.

    ``frames``: of how many frames of a sequence this is one's result; 1 for a volume.
    """

    finished: object
    segmentationId: str
    volumeId: str
    volumeName: str
    options: SegmentOptions
    renamed: Mapping[str, str] = field(default_factory=dict)
    vertebraSteps: int = 0
    frames: int = 1

    def withVertebraeMoved(self, moved: Mapping[str, str], steps: int) -> RunResult:
        """The same after `BoneSegLib.scene.vertebrae.renumber_vertebrae`."""
        ids = [each.id for each in self.finished.labels.structures]
        now = {each: self.renamed.get(each, each) for each in ids}
        renamed = {each: moved.get(name, name) for each, name in now.items()}
        changed = {each: name for each, name in renamed.items() if each != name}
        return replace(self, renamed=changed, vertebraSteps=self.vertebraSteps + steps)

    @property
    def hasVertebrae(self) -> bool:
        """Whether there are any to be renamed; not in sequences, which show each frame as it was made."""
        if self.frames > 1:
            return False
        found = self.finished.measures
        return any(each.id in found for each in CHAIN)


def summaryText(result: RunResult) -> str:
    """One line: with what, where, how long; a second one when bones deserve a look."""
    info = result.finished.labels.info
    line = _("Model {model}, quality {quality}, on the {device}, {seconds} s.").format(
        model=info.get("model", "?"),
        quality=info.get("quality", "?"),
        device=deviceName(str(info.get("device", "?"))),
        seconds=f"{float(info.get('seconds_total', 0.0)):.0f}",
    )
    notes = [str(note) for note in info.get("notes", ())]
    if result.frames > 1:
        text = _("{count} frames; the table is of the one that was shown. Play the sequence to see all.")
        notes.append(text.format(count=result.frames))
    if result.finished.flags:
        notes.append(_("Please look again at the bones with a remark."))
    return "\n".join([line, *notes])


def resultColumns(result: RunResult) -> list[Column]:
    columns = [
        Column(_("Bone")),
        Column(_("ml"), number=True, tip=_("Volume")),
        Column(_("HU"), number=True, tip=_("Mean value in the CT")),
        Column(_("Remark"), wide=True),
    ]
    if _confidence(result):
        columns.insert(3, Column(_("Sure"), number=True, tip=_("How sure the network is of this bone, on average")))
    return columns


def resultRows(result: RunResult) -> list[list]:
    """In the order of the names that the bones have now."""
    structures = sorted(result.finished.labels.structures, key=lambda each: _place(_nameOf(each, result)))
    return [_row(each, result) for each in structures]


def _row(structure, result: RunResult) -> list:
    finished, confidence = result.finished, _confidence(result)
    measure = finished.measures.get(structure.id)
    shown = _SHOWN.get(_nameOf(structure, result), structure)
    flags = [flagText(flag) for flag in finished.flags.get(structure.id, ())]
    row: list = [
        (boneName(shown.id, shown.name), colorIcon(shown.color)),
        "–" if measure is None else f"{measure['volume_ml']:.1f}",
        "–" if measure is None else f"{measure['hu_mean']:.0f}",
        ", ".join(flags),
    ]
    if confidence:
        sure = confidence.get(structure.id)
        row.insert(3, "–" if sure is None or measure is None else f"{100 * sure:.0f} %")
    return row


def _confidence(result: RunResult) -> dict[str, float]:
    """By structure id, from 0 to 1; empty where the engine gave none."""
    return noted_confidence(result.finished.labels)


def _nameOf(structure, result: RunResult) -> str:
    return result.renamed.get(structure.id, structure.id)


def _place(structureId: str) -> int:
    return _ORDER.index(structureId) if structureId in _ORDER else len(_ORDER)
