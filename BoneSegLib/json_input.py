"""JSON files that a user wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from BoneSegLib.errors import InputError


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``. Raises `InputError`."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"'{path.name}' cannot be read as JSON.", cause=str(error)[:200]) from error
    if not isinstance(data, dict):
        raise InputError(f"'{path.name}' is not a JSON object.", remedy='Write {"name": value, ...}.')
    return data
