"""What is to be said about a volume before it is segmented."""

from __future__ import annotations

from dataclasses import dataclass

import slicer
from slicer.i18n import tr as _

from BoneSegLib.checks import Finding, describe, examine
from BoneSegLib.errors import BoneSegError
from BoneSegLib.scene.read import volume_from_node
from BoneSegLib.volume import Volume


@dataclass(frozen=True)
class InputReport:
    """``volume`` is None where the node cannot be used at all; ``notes`` are harmless, ``warnings`` want an answer."""

    volume: Volume | None
    line: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

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
    notes = [*_textsOf(found, "note"), *_sceneNotes(volumeNode)]
    errors = _textsOf(found, "error")
    return InputReport(volume, "" if errors else describe(volume), tuple(notes), _textsOf(found, "warning"), errors)


def _textsOf(found: tuple[Finding, ...], severity: str) -> tuple[str, ...]:
    return tuple(" ".join([each.message, each.remedy]).strip() for each in found if each.severity == severity)


def _sceneNotes(volumeNode) -> list[str]:
    notes = []
    transform = volumeNode.GetParentTransformNode()
    if transform is not None and not transform.IsTransformToWorldLinear():
        notes.append(_("The volume is warped by a transform; the bones are found in the image as it was acquired."))
    if _isFrameOfSequence(volumeNode):
        notes.append(_("This volume is a frame of a sequence: the frame that is shown now is segmented."))
    return notes


def _isFrameOfSequence(volumeNode) -> bool:
    scene = slicer.mrmlScene
    browsers = [
        scene.GetNthNodeByClass(index, "vtkMRMLSequenceBrowserNode")
        for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSequenceBrowserNode"))
    ]
    return any(browser.IsProxyNode(volumeNode.GetID()) for browser in browsers)
