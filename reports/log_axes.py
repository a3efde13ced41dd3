"""Logarithmic axes with ticks that people read."""

import math
from collections.abc import Sequence
from typing import Literal

import matplotlib.ticker as ticker
from matplotlib.axes import Axes

_NARROW = 1.01  # an axis of less than this factor shows one value, and has to be widened to have a place for it
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
    limits = _widened(*(axis.get_xlim() if name == "x" else axis.get_ylim()))
    axis.set(**{f"{name}lim": limits})
    side.set_major_locator(_readable(*limits))
    side.set_major_formatter(ticker.FormatStrFormatter("%g"))
    side.set_minor_locator(ticker.NullLocator())


def power_ticks(axis: Axes, name: Literal["x", "y"] = "y", most: int = 6) -> None:
    """Powers of ten on a logarithmic axis, at most so many, as plain text: mathematics takes half a figure's time.

    Where fewer than two lie on the axis when it is drawn, it has `readable_ticks`.
    """
    side = axis.xaxis if name == "x" else axis.yaxis
    side.set_major_locator(_Powers(numticks=most))
    side.set_major_formatter(_PowersAsText())
    side.set_minor_locator(ticker.NullLocator())


class _Powers(ticker.LogLocator):
    def nonsingular(self, v0: float, v1: float) -> tuple[float, float]:
        return _widened(*super().nonsingular(v0, v1))

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        powers = super().tick_values(vmin, vmax)
        return powers if _within(powers, vmin, vmax) > 1 else _readable(vmin, vmax).tick_values(vmin, vmax)


class _PowersAsText(ticker.Formatter):
    def __call__(self, x: float, pos: int | None = None) -> str:
        return power_text(x) if _is_power(x) else f"{x:g}"

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        return [power_text(tick) if all(map(_is_power, values)) else f"{tick:g}" for tick in values]


def _is_power(tick: float) -> bool:
    return tick > 0 and math.isclose(math.log10(tick), round(math.log10(tick)), abs_tol=1e-6)


def _widened(low: float, high: float) -> tuple[float, float]:
    return (low / 1.5, high * 1.5) if high < _NARROW * low else (low, high)


def _readable(low: float, high: float) -> ticker.Locator:
    digits = (1,) if high >= 300 * low else (1, 2, 5) if high >= 5 * low else range(1, 10)
    locator = ticker.LogLocator(subs=digits)
    return locator if _within(locator.tick_values(low, high), low, high) > 1 else ticker.MaxNLocator(5)


def _within(ticks: Sequence[float], low: float, high: float) -> int:
    """How many of the ticks lie on the axis."""
    return sum(low <= tick <= high for tick in ticks)


def power_text(value: float) -> str:
    """A power of ten with a raised exponent: '10⁻³'."""
    return "10" + str(round(math.log10(value))).translate(_RAISED) if value > 0 else ""
