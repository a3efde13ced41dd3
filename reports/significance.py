"""Whether one line is better than another: paired tests over seeds, corrected for how many are made."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from reports.statistics import CONFIDENCE

LEVEL = 1 - CONFIDENCE
FEWEST = 3  # pairs: below that nothing is said
METHOD = (
    f"paired t-test of the logarithms over seeds ({FEWEST} common ones at least), p by Holm's correction, "
    f"level {LEVEL:.2g}"
)


@dataclass(frozen=True)
class Comparison:
    """How one line compares with another: the geometric mean ratio over pairs, its 95 % interval, and p."""

    ratio: float
    low: float
    high: float
    p: float
    pairs: int

    @property
    def enough(self) -> bool:
        """Whether there are pairs enough to say anything."""
        return not math.isnan(self.p)


def compare(own: Mapping[Any, float], other: Mapping[Any, float]) -> Comparison:
    """own / other over the keys (seeds) that both have a positive finite value for; all NaN below FEWEST of them."""
    usable = [key for key in own if key in other and _usable(own[key]) and _usable(other[key])]
    if len(usable) < FEWEST:
        return Comparison(math.nan, math.nan, math.nan, math.nan, len(usable))
    logs = np.log([own[key] / other[key] for key in sorted(usable)])
    mean = float(logs.mean())
    if np.ptp(logs) < 1e-12:  # the t-test has no answer to pairs that all differ by the same factor
        return Comparison(math.exp(mean), math.exp(mean), math.exp(mean), float(abs(mean) < 1e-12), len(usable))
    error = float(logs.std(ddof=1)) / math.sqrt(logs.size)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, logs.size - 1)) * error
    p = 2 * float(stats.t.sf(abs(mean) / error, logs.size - 1))
    return Comparison(math.exp(mean), math.exp(mean - half), math.exp(mean + half), p, len(usable))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p of each; NaNs stay and do not count. Source: Holm, Scand. J. Statist. 6 (1979) 65."""
    adjusted = list(p_values)
    known = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[place] = largest
    return adjusted


def sign(comparison: Comparison, adjusted: float) -> str:
    """'+' for significantly above the other, '−' for below, '=' for not to be told apart, '' for too few pairs."""
    if not comparison.enough:
        return ""
    if adjusted > LEVEL:
        return "="
    return "+" if comparison.ratio > 1 else "−"


def _usable(value: float) -> bool:
    return math.isfinite(value) and value > 0
