"""A run as the lines that repeat it in the Python console or a script."""

from __future__ import annotations

from dataclasses import fields

from BoneSegLib.options import SegmentOptions


def pythonSnippet(volumeName: str, options: SegmentOptions) -> str:
    """Only what differs from the defaults is written."""
    default = SegmentOptions()
    chosen = [
        f"    {field.name}={_literal(getattr(options, field.name))},"
        for field in fields(SegmentOptions)
        if getattr(options, field.name) != getattr(default, field.name)
    ]
    arguments = "\n".join(["SegmentOptions(", *chosen, ")"]) if chosen else "SegmentOptions()"
    imports = ["from pathlib import Path"] if options.model else []
    return "\n".join(
        [
            *imports,
            "import slicer",
            "from BoneSeg import BoneSegLogic",
            "from BoneSegLib import SegmentOptions",
            "",
            f"volumeNode = slicer.util.getNode({volumeName!r})",
            f"options = {arguments}",
            "segmentationNode = BoneSegLogic().segment(volumeNode, None, options)",
            "",
        ]
    )


def _literal(value: object) -> str:
    return f"Path({str(value)!r})" if hasattr(value, "joinpath") else repr(value)
