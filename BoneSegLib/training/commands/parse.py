"""Values of options that several commands of this room take."""

from __future__ import annotations

import argparse
import math

from BoneSegLib.errors import UsageError

_MINUTES = 60.0
_NO_END = 1_000_000


def budget(args: argparse.Namespace) -> tuple[float, int]:
    """Minutes and steps. One that was not asked for does not end a training: steps alone are reproducible, on a CPU."""
    minutes, steps = args.minutes, args.steps
    if minutes is None:
        minutes = _MINUTES if steps is None else math.inf
    return minutes, _NO_END if steps is None else steps


def require_above_zero(args: argparse.Namespace) -> None:
    """Raises `UsageError` for a budget, a size or a rate of nothing or less."""
    for name in ("minutes", "steps", "batch", "learning_rate", "memory", "features", "threads"):
        value = getattr(args, name)
        if value is not None and not value > 0:
            raise UsageError(f"--{name.replace('_', '-')} should be above 0.")


def three_sizes(text: str) -> tuple[int, int, int]:
    """``64,96,96``."""
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise UsageError(f"'{text}' is not a window.", remedy="Give three numbers of voxels, as in 64,96,96.")
    return (int(parts[0]), int(parts[1]), int(parts[2]))


def three_numbers(text: str) -> tuple[float, float, float]:
    """``2.5,0.8,0.8``, each above 0."""
    try:
        k, j, i = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"'{text}' is not a spacing.", remedy="Give three numbers in mm, as in 2.5,0.8,0.8."
        ) from error
    if not min(k, j, i) > 0:
        raise UsageError(f"'{text}' is not a spacing.", remedy="Give three numbers above 0.")
    return (k, j, i)


def folds(text: str) -> tuple[str, ...]:
    """``0``, ``0,1,2`` or ``all``."""
    names = tuple(part.strip() for part in text.split(","))
    if names != ("all",) and not all(name.isdigit() for name in names):
        raise UsageError(f"'{text}' is not a fold.", remedy="Give 0 to 4, several as 0,1,2, or all.")
    return names


def sizes(text: str) -> tuple[int, ...]:
    """``1,2,4,8``, growing."""
    parts = text.split(",")
    if not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise UsageError(f"'{text}' are not numbers of cases.", remedy="Give whole numbers, as in 1,2,4,8.")
    return tuple(sorted({int(part) for part in parts}))


def numbers(text: str) -> tuple[float, ...]:
    """``0,10,20.5``."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"'{text}' are not numbers.", remedy="Give numbers separated by commas.") from error
