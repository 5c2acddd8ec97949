"""Agreement of two measurements of the same things over a cohort.

Bland JM, Altman DG, "Statistical methods for assessing agreement between two methods of clinical measurement",
Lancet 327 (1986) 307-310.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from BoneSegLib.errors import UsageError


@dataclass(frozen=True)
class BlandAltman:
    """Mean difference (``bias``) and the limits between which 95 % of the differences are expected.

    Test minus reference, in the unit of the measurements. ``*_interval`` are 95 % confidence intervals. ``n`` pairs
    were used, ``left_out`` had an undefined number. ``means`` and ``differences`` are the points of the plot.
    """

    n: int
    left_out: int
    bias: float
    deviation: float
    lower: float
    upper: float
    bias_interval: tuple[float, float]
    lower_interval: tuple[float, float]
    upper_interval: tuple[float, float]
    means: tuple[float, ...]
    differences: tuple[float, ...]

    def values(self) -> dict[str, float]:
        """The numbers as one flat row, the ends of an interval as ``_low`` and ``_high``; without the points."""
        row: dict[str, float] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name.endswith("_interval"):
                row[f"{each.name}_low"], row[f"{each.name}_high"] = value
            elif each.name not in ("means", "differences"):
                row[each.name] = value
        return row


def bland_altman(reference: Sequence[float], test: Sequence[float]) -> BlandAltman:
    """Bland-Altman analysis of paired measurements; needs two pairs of finite numbers, else raises `UsageError`.

    The intervals are those of the paper: standard error of the bias s/sqrt(n), of a limit sqrt(3 s2/n), with Student's
    t for n - 1 degrees of freedom.
    """
    if len(reference) != len(test):
        raise UsageError(f"{len(reference)} measurements cannot be paired with {len(test)}.")
    pairs = np.array([reference, test], dtype=float).T.reshape(-1, 2)
    used = pairs[np.isfinite(pairs).all(axis=1)]
    n = len(used)
    if n < 2:
        raise UsageError("Agreement needs at least two pairs of measurements.", cause=f"There are {n}.")
    from scipy.stats import t

    differences = used[:, 1] - used[:, 0]
    bias, deviation = float(differences.mean()), float(differences.std(ddof=1))
    lower, upper = bias - 1.96 * deviation, bias + 1.96 * deviation
    spread = float(t.ppf(0.975, n - 1)) * deviation / math.sqrt(n)
    limit_spread = math.sqrt(3) * spread
    return BlandAltman(
        n=n,
        left_out=len(pairs) - n,
        bias=bias,
        deviation=deviation,
        lower=lower,
        upper=upper,
        bias_interval=(bias - spread, bias + spread),
        lower_interval=(lower - limit_spread, lower + limit_spread),
        upper_interval=(upper - limit_spread, upper + limit_spread),
        means=tuple(used.mean(axis=1).tolist()),
        differences=tuple(differences.tolist()),
    )


@dataclass(frozen=True)
class Distribution:
    """How one metric is spread over the cases of one structure; quartiles interpolated linearly."""

    structure: str
    metric: str
    n: int
    mean: float
    deviation: float
    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float


def distributions(scores: Iterable[Mapping[str, object]], metric: str) -> list[Distribution]:
    """The spread of ``metric`` per structure, over rows as `Score.values` or a CSV reader give them.

    Undefined numbers are left out; a structure without any has n = 0. The row ``mean`` is passed over.
    """
    found: dict[str, list[float]] = {}
    for row in scores:
        structure = str(row["structure"])
        if structure == "mean":
            continue
        values = found.setdefault(structure, [])
        text = row[metric]
        value = float(text) if isinstance(text, (int, float, str)) and text != "" else math.nan
        if math.isfinite(value):
            values.append(value)
    return [_distribution(structure, metric, values) for structure, values in found.items()]


def _distribution(structure: str, metric: str, values: list[float]) -> Distribution:
    if not values:
        return Distribution(structure, metric, 0, *([math.nan] * 7))
    low, lower, middle, upper, high = (float(q) for q in np.percentile(values, [0, 25, 50, 75, 100]))
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return Distribution(
        structure, metric, len(values), float(np.mean(values)), deviation, low, lower, middle, upper, high
    )
