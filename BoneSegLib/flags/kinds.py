"""The flags, as people read them."""

from __future__ import annotations

NOT_FOUND = "not found"
CUT = "cut by the field of view"
LARGE = "unusually large"
SMALL = "unusually small"
SIDE = "side doubtful"
APART = "apart from the hip bone"
ORDER = "order doubtful"
LEVEL = "level uncertain"
LOW_CONFIDENCE = "low confidence"

ALL = (NOT_FOUND, CUT, LARGE, SMALL, SIDE, APART, ORDER, LEVEL, LOW_CONFIDENCE)
"""All but the fragments, whose flag tells their number."""


def fragments(count: int) -> str:
    """The flag of a bone that is in ``count`` large pieces."""
    return f"{count} fragments"
