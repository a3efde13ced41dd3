"""Means with intervals over seeds, and exponents of power laws."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import optimize, stats

CONFIDENCE = 0.95
_ROUNDING = 1e-24  # of a squared logarithm: points on a straight line


@dataclass(frozen=True)
class Interval:
    """A mean and its two-sided interval; `low` and `high` are NaN below two values or with an infinite one.

    `mean` is NaN without any.
    """

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Exponent:
    """k of y ~ x^k with its two-sided interval; `low` and `high` are NaN below three points."""

    slope: float
    low: float
    high: float
    points: int


@dataclass(frozen=True)
class Bent:
    """a and k of y ~ a + b x^k: a power law above a constant, which bends in log-log."""

    constant: float
    exponent: Exponent


def mean_interval(values: Iterable[float], confidence: float = CONFIDENCE) -> Interval:
    """Mean and Student-t interval of independent values; NaNs are left out."""
    sample = np.asarray(list(values), dtype=float)
    sample = sample[~np.isnan(sample)]
    if sample.size == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = float(sample.mean())
    if sample.size == 1 or not math.isfinite(mean):
        return Interval(mean, math.nan, math.nan, int(sample.size))
    standard_error = float(sample.std(ddof=1)) / math.sqrt(sample.size)
    half_width = _t_factor(confidence, sample.size - 1) * standard_error
    return Interval(mean, mean - half_width, mean + half_width, int(sample.size))


def fit_exponent(x: Iterable[float], y: Iterable[float], confidence: float = CONFIDENCE) -> Exponent | None:
    """Least squares of log y on log x over the points where both are positive; None below two different x."""
    pairs = np.array([(a, b) for a, b in zip(x, y, strict=True) if a > 0 and b > 0], dtype=float).reshape(-1, 2)
    if np.unique(pairs[:, 0]).size < 2:
        return None
    fit: Any = stats.linregress(np.log(pairs[:, 0]), np.log(pairs[:, 1]))  # its stub declares no fields
    if np.ptp(pairs[:, 1]) == 0:  # linregress has no standard error for a constant
        return Exponent(0.0, 0.0, 0.0, len(pairs))
    freedom = len(pairs) - 2
    half_width = _t_factor(confidence, freedom) * fit.stderr if freedom > 0 else math.nan
    return Exponent(float(fit.slope), float(fit.slope - half_width), float(fit.slope + half_width), len(pairs))


def fit_above_constant(x: Iterable[float], y: Iterable[float], confidence: float = CONFIDENCE) -> Bent | None:
    """Least squares of log y on log(a + b x^k) over the points where both are positive, a > 0 and 0 <= k <= 4.

    The interval of k is the linear one at the solution. None where b x^k alone does as well: unless a lowers the sum
    of squares by more than chance (F-test at the level 1 - confidence), and below five points.
    """
    pairs = np.array([(a, b) for a, b in zip(x, y, strict=True) if a > 0 and b > 0], dtype=float).reshape(-1, 2)
    freedom = len(pairs) - 3
    if freedom < 2 or np.ptp(pairs[:, 1]) == 0:
        return None
    u, v = np.log(pairs).T
    straight = np.polynomial.Polynomial.fit(u, v, 1)
    before = float(np.square(v - straight(u)).sum())
    steepest = np.clip((v[-1] - v[-2]) / (u[-1] - u[-2]), 0.1, 3.9)
    start = (v.min() - 0.1, v[-1] - steepest * u[-1], steepest)
    bounds = ((v.min() - 20, -np.inf, 0), (v.max(), np.inf, 4))
    fit = optimize.least_squares(lambda t: np.logaddexp(t[0], t[1] + t[2] * u) - v, start, bounds=bounds)
    variance = 2 * fit.cost / freedom
    if before - 2 * fit.cost <= stats.f.ppf(confidence, 1, freedom) * variance or before < _ROUNDING * len(pairs):
        return None
    error = math.sqrt(variance * np.linalg.pinv(fit.jac.T @ fit.jac)[2, 2])
    half_width, slope = _t_factor(confidence, freedom) * error, float(fit.x[2])
    return Bent(math.exp(fit.x[0]), Exponent(slope, slope - half_width, slope + half_width, len(pairs)))


@cache
def _t_factor(confidence: float, degrees_of_freedom: int) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, degrees_of_freedom))
