"""Which segment of one segmentation is which of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SegmentDescription:
    """A segment, as far as matching needs it.

    ``terminology``: what it is, by code, side included (any text or tuple that is equal for the same thing), ``None``
    if it has none or only a general one that says nothing ("Tissue").
    """

    id: str
    name: str = ""
    terminology: object | None = None


@dataclass(frozen=True)
class Pair:
    """A segment of the reference and its match in the test; one of them is ``None`` where there is no match.

    ``by``: ``"table"`` (given by the user), ``"terminology"``, ``"id"``, ``"name"``, or ``""``.
    """

    reference: SegmentDescription | None
    test: SegmentDescription | None
    by: str = ""


_Key = Callable[[SegmentDescription], object | None]

_STEPS: tuple[tuple[str, _Key], ...] = (
    ("terminology", lambda segment: segment.terminology),
    ("id", lambda segment: segment.id or None),
    ("name", lambda segment: _plain_name(segment.name)),
)


def match_structures(
    reference: Sequence[SegmentDescription],
    test: Sequence[SegmentDescription],
    *,
    table: Mapping[str, str | None] | None = None,
) -> list[Pair]:
    """Pair the segments of two segmentations: by the ``table``, then terminology, then id, then name.

    ``table``: reference segment id to test segment id, or to ``None`` to leave it without a match; ids that are not
    there are passed over. Each segment is used once. A key that several segments of one side share (the same
    terminology twice) decides nothing at its step. Pairs come in the order of the reference, then what is left of the
    test.
    """
    matches: dict[str, tuple[SegmentDescription | None, str]] = {}
    free = {segment.id: segment for segment in test}
    known = {segment.id for segment in reference}
    for reference_id, test_id in (table or {}).items():
        if reference_id not in known:
            continue
        if test_id is None:
            matches[reference_id] = (None, "table")
        elif test_id in free:
            matches[reference_id] = (free.pop(test_id), "table")
    for step, key in _STEPS:
        waiting = [segment for segment in reference if segment.id not in matches]
        ours, theirs = _unique(waiting, key), _unique(free.values(), key)
        for value, segment in ours.items():
            if value in theirs:
                matches[segment.id] = (free.pop(theirs[value].id), step)
    pairs = [Pair(segment, *matches.get(segment.id, (None, ""))) for segment in reference]
    return pairs + [Pair(None, segment) for segment in test if segment.id in free]


def _unique(segments, key: _Key) -> dict[object, SegmentDescription]:
    """Segments by key, without those that share theirs or have none."""
    found: dict[object, SegmentDescription] = {}
    twice = set()
    for segment in segments:
        value = key(segment)
        if value is None:
            continue
        if value in found:
            twice.add(value)
        found[value] = segment
    return {value: segment for value, segment in found.items() if value not in twice}


def _plain_name(name: str) -> str | None:
    """A name without what writers differ in: case, blanks, underscores, hyphens."""
    plain = "".join(letter for letter in name.casefold() if letter.isalnum())
    return plain or None
