"""The flags, as people read them."""

from __future__ import annotations

NOT_FOUND = "not found"
CUT = "cut by the field of view"
CUT_BY_REGION = "cut by the region of interest"
LARGE = "unusually large"
SMALL = "unusually small"
SIDE = "side doubtful"
APART = "apart from the hip bone"
HEAD = "femoral head inside"
ORDER = "order doubtful"
LEVEL = "level uncertain"
LOW_CONFIDENCE = "low confidence"

ALL = (NOT_FOUND, CUT, CUT_BY_REGION, LARGE, SMALL, SIDE, APART, HEAD, ORDER, LEVEL, LOW_CONFIDENCE)
"""All but the fragments, whose flag tells their number."""

PARTS = (CUT, CUT_BY_REGION)
"""Of these bones only a part was looked at."""


def fragments(count: int) -> str:
    """The flag of a bone that is in ``count`` large pieces."""
    return f"{count} fragments"
