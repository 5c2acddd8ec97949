"""The two colour tables that MRML expects to find, which the slicer-core wheel does not carry."""

from __future__ import annotations

import colorsys
from pathlib import Path

_GOLDEN_RATIO = 0.618034


def write_color_files(folder: Path) -> None:
    """Writes GenericColors.txt and GenericAnatomyColors.txt: 255 hues, neighbours far apart."""
    lines = ["# Color table file", "0 background 0 0 0 0"]
    for value in range(1, 256):
        rgb = colorsys.hsv_to_rgb(value * _GOLDEN_RATIO % 1, 0.65, 0.9)
        lines.append(f"{value} label_{value} " + " ".join(str(int(part * 255)) for part in rgb) + " 255")
    folder.mkdir(parents=True)
    for name in ("GenericColors", "GenericAnatomyColors"):
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="ascii")
