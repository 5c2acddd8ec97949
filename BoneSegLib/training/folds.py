"""Cross-validation: which cases are trained on and which are kept to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from BoneSegLib.errors import InputError, UsageError

ALL = "all"
FOLDS = 5
_SEED = 12345


@dataclass(frozen=True)
class Split:
    """Names of cases. ``fold``: ``"0"`` to ``"4"``, or ``"all"``, which keeps none to judge."""

    fold: str
    training: tuple[str, ...]
    validation: tuple[str, ...]


def split_of(cases: Sequence[str], fold: str) -> Split:
    """One fold of a five-fold cross-validation; with fewer than five cases, one case is kept in each.

    The same names are always split the same way. Raises `UsageError`, `InputError`.
    """
    ordered = sorted(cases)
    if fold == ALL:
        return Split(ALL, tuple(ordered), ())
    count = min(FOLDS, len(ordered))
    if not fold.isdigit() or int(fold) >= FOLDS:
        raise UsageError(f"There is no fold '{fold}'.", remedy=f"Give 0 to {FOLDS - 1}, several as 0,1,2, or all.")
    if count < 2:
        raise InputError("One case cannot be split into folds.", remedy="Train on it alone with --fold all.")
    if int(fold) >= count:
        raise UsageError(f"With {count} cases there are the folds 0 to {count - 1} only.")
    shuffled = [ordered[index] for index in np.random.default_rng(_SEED).permutation(len(ordered))]
    kept = set(shuffled[int(fold) :: count])
    return Split(
        fold, tuple(name for name in ordered if name not in kept), tuple(name for name in ordered if name in kept)
    )
