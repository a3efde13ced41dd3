"""Lines over seeds: their mean, and a band from the least to the largest."""

import math
from typing import Any, cast

import pandas as pd
from matplotlib.axes import Axes

from reports.theme import Look

_MARKS = 10  # of a line: one at each of many points would hide it


def draw_band(axis: Axes, points: pd.DataFrame, x: str, y: str, look: Look, **style: Any) -> None:
    """Mean of `y` at each `x` as a line, the range of `y` there as a band where it has any."""
    found = cast(Any, points).groupby(x)[y].agg(["mean", "min", "max"])
    at = found.index.to_numpy()
    every = math.ceil(len(at) / _MARKS)
    axis.plot(at, found["mean"], color=look.colour, markevery=every, markeredgecolor="white", mew=0.4, **style)
    if (found["max"] > found["min"]).any():
        axis.fill_between(at, found["min"], found["max"], color=look.colour, linewidth=0, alpha=0.18)
