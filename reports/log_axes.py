"""Logarithmic axes with ticks that people read."""

import math
from collections.abc import Sequence
from typing import Literal

import matplotlib.ticker as ticker
from matplotlib.axes import Axes

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def length_axis(axis: Axes, lengths: Sequence[int], most_labels: int = 9) -> None:
    """x as a logarithmic axis of N with a tick a length; every second one has a label where there are too many."""
    every = 1 if len(lengths) <= most_labels else 2
    axis.set_xscale("log", base=2)
    axis.set_xticks(lengths, [str(steps) if place % every == 0 else "" for place, steps in enumerate(lengths)])
    axis.xaxis.set_minor_locator(ticker.NullLocator())
    axis.set_xlabel("N (steps)")


def readable_ticks(axis: Axes, name: Literal["x", "y"]) -> None:
    """Plain numbers on a logarithmic axis: 1, 2, 5 of a decade, 1 alone over many, and all nine over half of one.

    Where fewer than two of these lie on the axis, it has others.
    """
    side = axis.xaxis if name == "x" else axis.yaxis
    low, high = axis.get_xlim() if name == "x" else axis.get_ylim()
    digits = (1,) if high >= 300 * low else (1, 2, 5) if high >= 5 * low else range(1, 10)
    locator = ticker.LogLocator(subs=digits)
    shown = [tick for tick in locator.tick_values(low, high) if low <= tick <= high]
    side.set_major_locator(locator if len(shown) > 1 else ticker.MaxNLocator(5))
    side.set_major_formatter(ticker.FormatStrFormatter("%g"))
    side.set_minor_locator(ticker.NullLocator())


def power_ticks(axis: Axes, name: Literal["x", "y"] = "y", most: int = 6) -> None:
    """Powers of ten on a logarithmic axis, at most so many, as plain text: mathematics takes half a figure's time."""
    side = axis.xaxis if name == "x" else axis.yaxis
    side.set_major_locator(ticker.LogLocator(numticks=most))
    side.set_major_formatter(ticker.FuncFormatter(lambda value, _: power_text(value)))
    side.set_minor_locator(ticker.NullLocator())


def power_text(value: float) -> str:
    """A power of ten with a raised exponent: '10⁻³'."""
    return "10" + str(round(math.log10(value))).translate(_RAISED) if value > 0 else ""
