"""Files of `Resources`: beside the module when installed, at the top of the repository otherwise."""

from __future__ import annotations

from pathlib import Path

_MODULE = Path(__file__).resolve().parents[1]


def resourceFile(name: str) -> str:
    places = [_MODULE / "Resources" / name, _MODULE.parent / "Resources" / name]
    return str(next((place for place in places if place.is_file()), places[0]))
