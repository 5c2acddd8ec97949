"""What goes over the pipes: requests one way, answers the other, each one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from BoneSegLib.anatomy import Structure
from BoneSegLib.errors import ALL_KINDS, BoneSegError, InternalError
from BoneSegLib.evaluation.result import NAN, NUMBERS, Comparison, Score
from BoneSegLib.options import SegmentOptions
from BoneSegLib.volume import Geometry

Message = dict[str, Any]


def encode(message: Message) -> str:
    """One line of ASCII, so that no encoding of a pipe can spoil it."""
    return json.dumps(message, default=str) + "\n"


def decode(line: str) -> Message | None:
    """The message of a line; ``None`` for anything else, which a library may have printed."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def pack_options(options: SegmentOptions) -> Message:
    """All options; unlike `SegmentOptions.to_dict`, with the model's full path, since it stays on this computer."""
    data = asdict(options)
    data["model"] = str(options.model) if options.model else None
    return data


def unpack_options(data: Message) -> SegmentOptions:
    known = dict(data)
    for name in ("structures", "folds", "roi"):
        if known.get(name) is not None:
            known[name] = tuple(known[name])
    if known.get("model"):
        known["model"] = Path(known["model"])
    return SegmentOptions(**known)


def pack_geometry(geometry: Geometry) -> Message:
    return {"size": list(geometry.size), "ijk_to_ras": geometry.ijk_to_ras.tolist()}


def unpack_geometry(data: Message) -> Geometry:
    return Geometry(tuple(data["size"]), np.array(data["ijk_to_ras"]))


def pack_structures(structures: tuple[Structure, ...]) -> list[Message]:
    return [asdict(structure) for structure in structures]


def unpack_structures(data: list[Message]) -> tuple[Structure, ...]:
    return tuple(Structure(**{name: _tuple(value) for name, value in each.items()}) for each in data)


def unpack_comparison(data: Message, structures: tuple[Structure, ...]) -> Comparison:
    """The way back of `Comparison.to_json`; numbers that are not defined are NaN again."""
    scores = []
    for row in data["structures"]:
        values: Message = {name: NAN if row[name] is None and name in NUMBERS else row[name] for name in row}
        scores.append(Score(**values))
    known = {structure.id: structure for structure in structures}
    compared = tuple(known[score.structure] for score in scores)
    return Comparison(tuple(scores), data["definitions"], compared, tuple(data["remarks"]))


def unpack_error(data: Message) -> BoneSegError:
    """The error as the kind that it was in the worker."""
    kind = next((each for each in ALL_KINDS if each.kind == data.get("kind")), InternalError)
    return kind(str(data["message"]), cause=str(data.get("cause", "")), remedy=str(data.get("remedy", "")))


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
