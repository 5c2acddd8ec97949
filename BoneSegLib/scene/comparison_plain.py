"""A comparison back from plain data, as the worker process hands it over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from BoneSegLib.anatomy import STRUCTURES, Structure
from BoneSegLib.evaluation.result import COLUMNS, NAN, NUMBERS, Comparison, Score


def comparison_from_plain(data: Mapping[str, Any], *, structures: tuple[Structure, ...] = STRUCTURES) -> Comparison:
    """The `Comparison` whose ``to_json()`` gave ``data``; ``None`` is a number that is not defined.

    ``structures``: what was compared, for its names; those that have no row are left out.
    """
    scores = tuple(_score(row) for row in data["structures"])
    compared = {score.structure for score in scores}
    return Comparison(
        scores=scores,
        definitions=dict(data["definitions"]),
        structures=tuple(one for one in structures if one.id in compared),
        remarks=tuple(data["remarks"]),
    )


def _score(row: Mapping[str, Any]) -> Score:
    values: dict[str, Any] = {column: row[column] for column in COLUMNS if column in row}
    values |= {column: NAN for column in NUMBERS if values.get(column) is None}
    return Score(**values)
