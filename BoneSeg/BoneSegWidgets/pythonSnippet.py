"""A run as the lines that repeat it in the Python console or a script."""

from __future__ import annotations

from dataclasses import fields

from BoneSegLib.options import SegmentOptions
from BoneSegWidgets.runResult import RunResult


def pythonSnippet(result: RunResult) -> str:
    """Only what differs from the defaults is written."""
    options = result.options
    default = SegmentOptions()
    chosen = [
        f"    {field.name}={_literal(getattr(options, field.name))},"
        for field in fields(SegmentOptions)
        if getattr(options, field.name) != getattr(default, field.name)
    ]
    steps = result.vertebraSteps
    call = "segment(volumeNode, None, options)" if result.frames == 1 else "segmentFrames(volumeNode, options)"
    arguments = "\n".join(["SegmentOptions(", *chosen, ")"]) if chosen else "SegmentOptions()"
    imports = ["from pathlib import Path"] if options.model else []
    return "\n".join(
        [
            *imports,
            "import slicer",
            "from BoneSeg import BoneSegLogic",
            "from BoneSegLib import SegmentOptions",
            "",
            f"volumeNode = slicer.util.getNode({result.volumeName!r})",
            f"options = {arguments}",
            f"segmentationNode = BoneSegLogic().{call}",
            *([f"BoneSegLogic().renumberVertebrae(segmentationNode, {steps})"] if steps else []),
            "",
        ]
    )


def _literal(value: object) -> str:
    return f"Path({str(value)!r})" if hasattr(value, "joinpath") else repr(value)
