"""Combining rules: one estimate and interval from an analysis of several synthetic tables."""

from __future__ import annotations

import math
from typing import Callable, Sequence, TypedDict


class Combined(TypedDict):
    """What `flip.combine()` gives."""

    estimate: float  # mean over the tables
    standard_error: float  # of sample, noise and number of tables
    low: float  # lower end of the interval
    high: float  # upper end of the interval
    between: float  # variance of the estimates over the tables
    within: float  # mean of the variances that the analyses report
    degrees_of_freedom: float  # of the t distribution that the interval stands on


def combine(estimates: Sequence[float], variances: Sequence[float], confidence: float = 0.95) -> Combined:
    """The same figure from each of several tables of `Model.sample_many()`, as one estimate with an interval.

    estimates: one a table. variances: the squares of the standard errors that the same analyses report, as if the rows
    were real. The rule is that for fully synthetic data (Raghunathan, Reiter and Rubin 2003): with m tables the
    variance is (1 + 1/m) between - within. The within part is taken away because the spread of the estimates holds it
    already. Rubin's rule for missing values, which adds it, is not for synthetic tables: its intervals are too wide.
    Where the difference is not above zero the within part over m is taken, which is the error of drawing alone: draw
    more rows a table, or more tables.

    ValueError for fewer than two tables, for lists of different lengths, and for numbers that are not finite.
    """
    q, u, m = [float(x) for x in estimates], [float(x) for x in variances], len(estimates)
    if m < 2 or len(u) != m:
        raise ValueError("combine needs an estimate and a variance for each of two tables or more")
    if not all(math.isfinite(x) for x in q + u) or min(u) < 0:
        raise ValueError("combine needs finite estimates, and variances of at least 0")
    mean, within = sum(q) / m, sum(u) / m
    between = sum((x - mean) ** 2 for x in q) / (m - 1)
    total = (1 + 1 / m) * between - within
    degrees = math.inf
    if total <= 0:
        total = within / m
    elif within > 0:
        degrees = (m - 1) * (1 - within / ((1 + 1 / m) * between)) ** 2
    else:
        degrees = m - 1.0
    degrees = max(degrees, 1.0)
    reach = _quantile_t(0.5 + confidence / 2, degrees) * math.sqrt(total)
    return {"estimate": mean, "standard_error": math.sqrt(total), "low": mean - reach, "high": mean + reach,
            "between": between, "within": within, "degrees_of_freedom": degrees}


def _quantile_t(p: float, degrees: float) -> float:
    """The quantile of Student's t distribution, p above one half, by halving its distribution function."""
    if math.isinf(degrees):
        return _halved(lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))), p)

    def below(x: float) -> float:
        return 1 - 0.5 * _beta(degrees / 2, 0.5, degrees / (degrees + x * x))
    return _halved(below, p)


def _halved(below: Callable[[float], float], p: float) -> float:
    low, high = 0.0, 1e7
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < p else (low, middle)
    return (low + high) / 2


def _beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    fraction = 0.0
    for m in range(400, 0, -1):                    # from the far end back: a term of odd and one of even order
        k = m // 2
        if m % 2 == 0:
            term = k * (b - k) * x / ((a + m - 1) * (a + m))
        else:
            term = -(a + k) * (a + b + k) * x / ((a + m - 1) * (a + m))
        fraction = term / (1 + fraction)
    return front / (1 + fraction)
