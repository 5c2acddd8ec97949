"""JSON from a model folder, read with care: the folder may come from anywhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from BoneSegLib.errors import ModelError

MAX_JSON_BYTES = 32 * 2**20
_LARGEST = sys.float_info.max


def read_json_object(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``. Raises `ModelError` when it is absent, too large, or not an object."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ModelError(f"'{path.name}' of the model is too large to be what it claims.")
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"The model folder is incomplete: '{path.name}' is missing.",
            remedy="Give a trained nnU-Net v2 model folder: plans.json, dataset.json and fold_N/checkpoint_final.pth.",
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"'{path.name}' of the model cannot be read.", cause=str(error)[:200]) from error
    if not isinstance(data, dict):
        raise ModelError(f"'{path.name}' of the model is not a JSON object.")
    return data


class Fields:
    """Typed access to a JSON object; every complaint names the file and the field."""

    def __init__(self, data: dict[str, Any], where: str) -> None:
        self._data = data
        self._where = where

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def raw(self, key: str, default: Any = ...) -> Any:
        if key in self._data:
            return self._data[key]
        if default is ...:
            raise ModelError(f"{self._where} has no field '{key}'.")
        return default

    def text(self, key: str, default: Any = ...) -> str:
        value = self.raw(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def number(self, key: str, default: Any = ...) -> float:
        return self._finite(key, self.raw(key, default))

    def numbers(self, key: str, *, length: int | None = None) -> tuple[float, ...]:
        values = self.raw(key)
        if not isinstance(values, list) or (length is not None and len(values) != length):
            raise self._wrong(key, f"a list of {length} numbers" if length else "a list of numbers")
        return tuple(self._finite(key, value) for value in values)

    def values(self, key: str, default: Any = ...) -> list[Any]:
        """A list of anything."""
        value = self.raw(key, default)
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value

    def integers(self, key: str, *, length: int | None = None) -> tuple[int, ...]:
        return tuple(self._whole(key, value) for value in self.numbers(key, length=length))

    def triples(self, key: str) -> tuple[tuple[int, int, int], ...]:
        """A list of three whole numbers per stage; a single number stands for three."""
        triples = []
        for row in self.values(key):
            row = row if isinstance(row, list) else [row] * 3
            if len(row) != 3:
                raise self._wrong(key, "three numbers per stage (a 3D network)")
            a, b, c = (self._whole(key, self._finite(key, value)) for value in row)
            triples.append((a, b, c))
        return tuple(triples)

    def object(self, key: str, default: Any = ...) -> dict[str, Any]:
        value = self.raw(key, default)
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return value

    def _finite(self, key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= _LARGEST:
            raise self._wrong(key, "a finite number")
        return float(value)

    def _whole(self, key: str, value: float) -> int:
        if value != int(value):
            raise self._wrong(key, "a whole number")
        return int(value)

    def _wrong(self, key: str, expected: str) -> ModelError:
        return ModelError(f"{self._where}: field '{key}' should be {expected}.")
