"""What a folder of training data holds, before a voxel is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """An image and the file with what was drawn on it."""

    name: str
    image: Path
    labels: Path


@dataclass(frozen=True)
class Source:
    """All pairs of a folder, sorted by name.

    ``channel``: what the images are, as dataset.json tells (``"CT"``, ``"T2"``); empty where nothing tells.
    ``label_names``: name -> value, where the folder tells. ``notes``: files that belong to no pair.
    """

    pairs: tuple[Pair, ...]
    channel: str = ""
    label_names: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
