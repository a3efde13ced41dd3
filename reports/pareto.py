"""Pareto plot: time of one iteration against its peak memory, the gradient's error as colour."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.ticker as ticker
import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import facets, saving, theme
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.facets import Family
from reports.frames import groups, keep, positive, records, where
from reports.layout import legend_below
from reports.log_axes import readable_ticks
from reports.numerals import brief
from reports.scaling_points import Scaling, sweeps, tidy

TITLE = "Time against memory"
_NEEDED = ["iteration_ms", "peak_mib", "gradient_rel_error"]
_COLOURS = "cividis"  # one hue scale for all eyes, and even in grey


def chapter(measured: list[Scaling], out: Path) -> Chapter:
    """Writes pareto_SYSTEM.png and .pdf into `out`, a panel a net and step size."""
    having = [scaling for scaling in sweeps(measured) if len(complete(scaling))]
    if not having:
        missing = "no setting with two lengths has time, peak memory and gradient error: Pareto plot not drawn"
        return Chapter(TITLE, missing=(missing,))
    apart = ("net", "step_size")
    return Chapter(TITLE, tuple(_exhibit(family, out) for family in facets.families(having, apart)))


def complete(scaling: Scaling) -> pd.DataFrame:
    """The points that have all three numbers, with `optimal`: see `optimal`."""
    points = positive(scaling.points, *_NEEDED)
    return points.assign(optimal=optimal(points, scaling.exact_below))


def optimal(points: pd.DataFrame, exact_below: float) -> pd.Series:
    """Which points are exact, and not beaten by another exact one of the same N.

    A point beats another that needs at least as much time and memory, and more of one of them. Inexact points
    neither beat nor count: a wrong gradient is no bargain.
    """
    marks = pd.Series(False, index=points.index)
    exact = keep(points, points["gradient_rel_error"] <= exact_below)
    for _, rivals in groups(exact, ["seq_len"]):
        marks[rivals.index] = unbeaten(rivals[["iteration_ms", "peak_mib"]].to_numpy())
    return marks


def unbeaten(cost: np.ndarray) -> np.ndarray:
    """Which of the points (k, 2) no other equals or undercuts in both columns and undercuts in one."""
    no_worse = (cost[:, None] <= cost[None]).all(axis=2)  # [i, j]: i needs no more than j
    better = (cost[:, None] < cost[None]).any(axis=2)
    return np.logical_not((no_worse & better).any(axis=0))


def draw(family: Family) -> Figure:
    """Log-log panels; points of one mode are joined, those of the Pareto set are ringed and say their N."""
    grid = facets.panels(family, "net", ("step_size",), widest=2)
    scale = _scale(family.members)
    modes = theme.in_mode_order(mode for member in family.members for mode in complete(member)["gradient_mode"])
    with theme.style():
        colours = ScalarMappable(scale, _COLOURS)
        figure = facets.draw(grid, 3.2, lambda axis, members: _panel(axis, members, colours))
        bar = figure.colorbar(colours, ax=figure.axes, shrink=0.8, pad=0.01, aspect=30)
        bar.set_label("log₁₀ of the gradient error (relative)")
        bar.locator = ticker.MaxNLocator(integer=True)
        bar.update_ticks()
        theme.title(figure, family.title)
        legend_below(figure, [*_handles(modes), ring_handle("Pareto-optimal, N")], handlelength=4)
        return figure


def _scale(members: Sequence[Scaling]) -> Normalize:
    """Whole powers of ten that hold all errors and the limit of exactness: colours do not make much of rounding."""
    errors = [complete(member)["gradient_rel_error"] for member in members]
    ends = np.log10([*np.concatenate(errors), members[0].exact_below])
    return Normalize(np.floor(ends.min()), np.ceil(ends.max()))


def _panel(axis: Axes, members: Sequence[Scaling], colours: ScalarMappable) -> None:
    points = pd.concat([complete(member) for member in members], ignore_index=True)
    for mode in reversed(theme.in_mode_order(points["gradient_mode"])):  # the first of the legend on top
        own, look = where(points, gradient_mode=mode), theme.mode_look(mode)
        axis.plot(own["iteration_ms"], own["peak_mib"], color=look.colour, linestyle=look.dash, linewidth=0.9)
        axis.scatter(
            own["iteration_ms"], own["peak_mib"], c=colours.to_rgba(np.log10(own["gradient_rel_error"])),
            marker=look.marker, s=20, edgecolors="0.2", linewidths=0.4, zorder=3,
        )  # fmt: skip
    best = keep(points, points["optimal"])
    axis.scatter(
        best["iteration_ms"], best["peak_mib"], facecolors="none", edgecolors="black", s=54, linewidths=0.9, zorder=4
    )
    _name_lengths(axis, best)
    axis.set_xscale("log")
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    axis.set_ylim(low * (low / high) ** 0.06, high)  # room for the lengths below the lowest points
    readable_ticks(axis, "x")
    readable_ticks(axis, "y")
    axis.set_xlabel("time of one iteration (ms)")
    axis.set_ylabel("peak memory (MiB)")


def _name_lengths(axis: Axes, best: pd.DataFrame) -> None:
    """N beside the leanest ringed point of each N: below where these lie level, above left where they rise."""
    leanest = [records(own.nsmallest(1, "peak_mib"))[0] for _, own in groups(best, ["seq_len"])]
    level = all(point["peak_mib"] < 1.5 * leanest[0]["peak_mib"] for point in leanest)
    offset, across, up = ((0, -6.5), "center", "top") if level else ((-4, 4.5), "right", "bottom")
    for point in leanest:
        axis.annotate(
            str(point["seq_len"]), (point["iteration_ms"], point["peak_mib"]), textcoords="offset points",
            xytext=offset, ha=across, va=up, fontsize=6.5, zorder=5,
            path_effects=[patheffects.withStroke(linewidth=1.5, foreground="white")],
        )  # fmt: skip


def _handles(modes: Sequence[str]) -> list[Line2D]:
    handles = theme.mode_handles(modes)
    for handle in handles:
        handle.set(markerfacecolor="white", markeredgecolor="0.2", linewidth=0.9)
    return handles


def ring_handle(label: str) -> Line2D:
    return Line2D(
        [], [], linestyle="none", marker="o", markersize=8, markerfacecolor="none", markeredgecolor="black",
        label=label,
    )  # fmt: skip


def _exhibit(family: Family, out: Path) -> Exhibit:
    figure = draw(family)
    files = saving.save(figure, out, stem("pareto", family.name or family.members[0].system))
    caption = (
        f"Time of one training iteration against its peak memory ({family.title}), a point a gradient mode and N, "
        "joined in order of N. Colour: log10 of the relative error of the gradient. Ringed: exact (error at most "
        f"{brief(family.members[0].exact_below)}), and no other exact mode of the same N is as fast and as lean and "
        "better in one of the two; the N of the leanest is written beside it."
    )
    name = prose(family.name or family.members[0].system)
    return Exhibit(f"Time against memory, {name}", caption, files, cells=ids(tidy(family.members)))
