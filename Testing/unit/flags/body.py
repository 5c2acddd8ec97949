"""A body of boxes: every bone of a plausible size in its place, to be spoilt by tests in one way each."""

from __future__ import annotations

import numpy as np

from BoneSegLib.anatomy import BY_ID, STRUCTURES
from BoneSegLib.volume import Geometry, LabelMap

SPACING_MM = 3.0
SIZE_MM = (300, 150, 360)

Span = tuple[int, int]
Boxes = dict[str, list[tuple[Span, Span, Span]]]
"""Boxes per structure: spans along R, A and S in mm, multiples of 3."""


def whole_body() -> Boxes:
    """Lumbar spine, pelvis and upper femurs, which the image cuts off, as in any CT of the pelvis."""
    spine = {f"vertebra_L{5 - n}": [((130, 169), (30, 75), (168 + 30 * n, 195 + 30 * n))] for n in range(5)}
    return {
        "hip_left": flat_hip(45),
        "hip_right": flat_hip(195),
        "sacrum": [((111, 189), (30, 60), (90, 165))],
        "femur_left": [((30, 75), (39, 84), (0, 57))],
        "femur_right": [((225, 270), (39, 84), (0, 57))],
        **spine,
    }


def flat_hip(r: int, *, a: int = 39, width: int = 60) -> list[tuple[Span, Span, Span]]:
    """Two plates at right angles, ``width`` mm along R from ``r`` on: like the bone, nowhere thick."""
    return [((r, r + 24), (a, a + 51), (60, 159)), ((r + 24, r + width), (a, a + 24), (60, 159))]


def moved(boxes: Boxes, *names: str, r: int = 0, s: int = 0) -> Boxes:
    """The same with some structures moved, mm."""
    result = dict(boxes)
    for name in names:
        result[name] = [((r0 + r, r1 + r), along_a, (s0 + s, s1 + s)) for (r0, r1), along_a, (s0, s1) in boxes[name]]
    return result


def without(boxes: Boxes, *names: str) -> Boxes:
    return {name: spans for name, spans in boxes.items() if name not in names}


def exchanged(boxes: Boxes, one: str, other: str) -> Boxes:
    return {**boxes, one: boxes[other], other: boxes[one]}


def label_map(boxes: Boxes, *, asked_for: tuple[str, ...] | None = None, info: dict | None = None) -> LabelMap:
    """The boxes as a label map along the patient's axes; ``asked_for``: structure ids (``None`` = all ten)."""
    size = tuple(int(mm / SPACING_MM) for mm in SIZE_MM)
    array = np.zeros(size[::-1], np.uint8)
    for name, spans in boxes.items():
        for along_r, along_a, along_s in spans:
            k, j, i = (slice(int(a // SPACING_MM), int(b // SPACING_MM)) for a, b in (along_s, along_a, along_r))
            array[k, j, i] = BY_ID[name].label
    structures = STRUCTURES if asked_for is None else tuple(BY_ID[name] for name in asked_for)
    return LabelMap(array, Geometry.from_spacing(size, (SPACING_MM,) * 3), structures, info or {})
