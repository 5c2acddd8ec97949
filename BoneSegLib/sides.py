"""Left and right, and what is counted along the body, told by the names of labels: how images may be mirrored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SIDES = {"left": "right", "lt": "rt", "l": "r", "links": "rechts"}
_OTHER = {**_SIDES, **{right: left for left, right in _SIDES.items()}}
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+")
_OF_A_VALUE = "label_#"
"""What a label without a name is called (`BoneSegLib.label_rules`), by its value: that counts nothing."""


@dataclass(frozen=True)
class Mirroring:
    """``axes`` (kji) that training may flip; ``table``: label after a flip, for labels 0, 1, 2, ...

    ``at_inference``: the axes over which predictions may be averaged: none where names change sides.
    """

    axes: tuple[int, ...]
    table: tuple[int, ...]

    @property
    def swaps(self) -> bool:
        return self.table != tuple(range(len(self.table)))

    @property
    def at_inference(self) -> tuple[int, ...]:
        return () if self.swaps else self.axes


def mirroring_of(names: Sequence[str]) -> Mirroring:
    """How images with these labels (1, 2, 3, ... in this order) may be mirrored.

    Without sides, along all axes, as in nnU-Net; but not up-down where names are counted (L1, L2, ...), since upside
    down they would count the other way. With sides that come in pairs, left-right only, the names swapped: a mirrored
    patient is a patient. With one side alone, not at all.
    """
    labels = {name.casefold(): label for label, name in enumerate(names, start=1)}
    same = tuple(range(len(names) + 1))
    partners = {label: mirrored_name(name) for name, label in labels.items()}
    sided = {label: name for label, name in partners.items() if name is not None}
    if not sided:
        return Mirroring((1, 2) if _are_counted(names) else (0, 1, 2), same)
    if not all(name in labels for name in sided.values()):
        return Mirroring((), same)
    return Mirroring((2,), tuple(labels[sided[label]] if label in sided else label for label in same))


def _are_counted(names: Sequence[str]) -> bool:
    """Whether two of them differ in their numbers alone."""
    stems = [_NUMBER.sub("#", name.casefold()) for name in names]
    counted = [stem for stem in stems if "#" in stem and stem != _OF_A_VALUE]
    return len(set(counted)) < len(counted)


def mirrored_name(name: str) -> str | None:
    """``hip_left`` -> ``hip_right``, case folded; ``None`` for a name without a side."""
    folded = name.casefold()
    for word in _WORD.finditer(folded):
        # A lone letter tells a side only at the end ("kidney_l"): in front it may stand for anything.
        tells = len(word.group()) > 1 or 0 < word.start() < word.end() == len(folded)
        if word.group() in _OTHER and tells:
            return folded[: word.start()] + _OTHER[word.group()] + folded[word.end() :]
    return None
