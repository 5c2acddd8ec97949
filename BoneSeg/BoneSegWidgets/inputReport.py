"""What is to be said about a volume before it is segmented."""

from __future__ import annotations

from dataclasses import dataclass

from slicer.i18n import tr as _

from BoneSegLib.checks import Finding, describe, examine
from BoneSegLib.errors import BoneSegError
from BoneSegLib.scene.dicom_slices import uneven_slices
from BoneSegLib.scene.read import volume_from_node
from BoneSegLib.scene.sequence import frames_of
from BoneSegLib.volume import Volume


@dataclass(frozen=True)
class InputReport:
    """``volume`` is None where the node cannot be used at all; ``notes`` are harmless, ``warnings`` want an answer.

    ``frames``: how many images the node shows in turn, as a frame of a sequence; 1 for an ordinary volume.
    """

    volume: Volume | None
    line: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    frames: int = 1

    @property
    def needsAnswer(self) -> bool:
        return bool(self.warnings) and not self.errors


def reportOn(volumeNode, expectsCt: bool = True) -> InputReport:
    """Looks at the node's image; takes a fraction of a second for a large one."""
    try:
        volume = volume_from_node(volumeNode)
    except BoneSegError as error:
        return InputReport(None, errors=(str(error),))
    found = examine(volume, expects_ct=expectsCt)
    errors = _textsOf(found, "error")
    notes, warnings = [*_textsOf(found, "note")], [*_textsOf(found, "warning")]
    uneven = uneven_slices(volumeNode)
    if uneven is not None:
        text = " ".join([uneven.message, _("The image takes them for even, and bones are out of shape there.")])
        (warnings if uneven.is_wide else notes).append(text)
    transform = volumeNode.GetParentTransformNode()
    if transform is not None and not transform.IsTransformToWorldLinear():
        notes.append(_("The volume is warped by a transform; the bones are found in the image as it was acquired."))
    frames = frames_of(volumeNode)
    line = "" if errors else describe(volume)
    return InputReport(volume, line, tuple(notes), tuple(warnings), errors, 1 if frames is None else frames.count)


def _textsOf(found: tuple[Finding, ...], severity: str) -> tuple[str, ...]:
    return tuple(" ".join([each.message, each.remedy]).strip() for each in found if each.severity == severity)
