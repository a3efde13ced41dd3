"""Error of the gradient against N and against h, a line a gradient mode."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib.ticker as ticker
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import facets, saving, theme
from reports.exhibit import Chapter, Exhibit, ids, stem
from reports.facets import Family, Grid
from reports.frames import distinct, groups, keep, ordered, positive, varies, where
from reports.layout import legend_below, sheets
from reports.log_axes import length_axis, power_ticks
from reports.scaling_points import Scaling, exponent_text, sweeps, tidy
from reports.statistics import Exponent, fit_exponent

TITLE = "Error of the gradient"
_ERROR = "gradient_rel_error"
_HEIGHT = 2.2  # inches of a panel against N
_DEFINITION = (
    "||g - g_exact|| / ||g_exact||, g_exact by backpropagation through the same rollout in float64, median over "
    "seeds. Dotted: the limit up to which a gradient counts as exact"
)


def chapter(measured: list[Scaling], out: Path) -> Chapter:
    """Writes gradient_error_n and gradient_error_h, as .png and .pdf, into `out`, in as many sheets as they need."""
    having = [scaling for scaling in measured if len(positive(scaling.points, _ERROR))]
    if not having:
        return Chapter(TITLE, missing=("no ok profile row has a gradient error: it is not drawn",))
    lengths = facets.families(sweeps(having), ("system", "net", "step_size"))
    steps = facets.families(_with_steps(having), ("system", "net", "step_size"))
    missing = [] if lengths else ["no setting was profiled at two lengths: gradient error against N not drawn"]
    if not steps:
        missing.append("no mode was profiled at two step sizes and one N: gradient error against h not drawn")
    exhibits = [exhibit for family in lengths for exhibit in _against_n(family, out)]
    exhibits += [exhibit for family in steps for exhibit in _against_h(family, out)]
    return Chapter(TITLE, tuple(exhibits), tuple(missing))


def grid_against_n(family: Family) -> Grid:
    """A panel a system (across), net and step size (down)."""
    return facets.panels(family, "system", ("net", "step_size"), widest=3)


def grid_against_h(family: Family) -> Grid:
    """A panel a system (across) and net (down)."""
    return facets.panels(family, "system", ("net",), widest=3)


def draw_against_n(grid: Grid, title: str) -> Figure:
    """Log-log panels, one legend for all."""
    with theme.style():
        figure = facets.draw(grid, _HEIGHT if len(grid) > 1 else 2.8, _panel_against_n)
        _align(figure)
        legend_below(figure, theme.mode_handles(_modes(grid)), handlelength=4)
        theme.title(figure, title)
        return figure


def draw_against_h(grid: Grid, title: str) -> Figure:
    """Log-log panels, each at one N, with the observed orders in its legend."""
    with theme.style():
        figure = facets.draw(grid, _height_against_h(grid), _panel_against_h)
        _align(figure)
        theme.title(figure, title)
        return figure


def step_sweep(members: Sequence[Scaling]) -> pd.DataFrame:
    """The points of the N at which most (mode, step size) pairs were measured, the longest of equal ones.

    Modes with a single step size there are left out; so are errors that are not above zero. Ordered by mode and h.
    """
    points = positive(tidy(members), _ERROR, "step_size")
    swept = [own for _, own in groups(points, ["seq_len", "gradient_mode"]) if varies(own, "step_size")]
    if not swept:
        return keep(points, [False] * len(points))
    in_sweeps = pd.concat(swept)
    most = max((len(own), steps) for (steps,), own in groups(in_sweeps, ["seq_len"]))
    return ordered(where(in_sweeps, seq_len=most[1]), ["gradient_mode", "step_size"])


def order(own: pd.DataFrame, exact_below: float) -> Exponent | None:
    """p of error ~ h^p for one mode's points, over those above `exact_below`; None below two of these."""
    inexact = keep(own, own[_ERROR] > exact_below)
    return fit_exponent(inexact["step_size"], inexact[_ERROR])


def _against_n(family: Family, out: Path) -> Iterator[Exhibit]:
    grid = grid_against_n(family)
    caption = f"Relative error of the gradient against the number of steps N ({family.title}): {_DEFINITION}."
    for sheet in sheets(grid, _HEIGHT):
        figure = draw_against_n(sheet.entries, family.title)
        files = saving.save(figure, out, stem("gradient_error_n", family.name, sheet.suffix))
        title = _title("Gradient error against N", family) + sheet.words
        yield Exhibit(title, caption, files, cells=ids(tidy(facets.members(sheet.entries))))


def _against_h(family: Family, out: Path) -> Iterator[Exhibit]:
    grid = grid_against_h(family)
    caption = (
        f"Relative error of the gradient against the step size h at a fixed number of steps N ({family.title}): "
        f"{_DEFINITION}. Legend: p of h^p, least squares in log-log over the points above the dotted line, ± half "
        "width of its 95 % interval. N is the length with the most measurements, the longest of equal ones."
    )
    for sheet in sheets(grid, _height_against_h(grid)):
        figure = draw_against_h(sheet.entries, family.title)
        files = saving.save(figure, out, stem("gradient_error_h", family.name, sheet.suffix))
        title = _title("Gradient error against h", family) + sheet.words
        yield Exhibit(title, caption, files, cells=ids(tidy(facets.members(sheet.entries))))


def _modes(grid: Grid) -> list[str]:
    return theme.in_mode_order(mode for member in facets.members(grid) for mode in member.modes)


def _height_against_h(grid: Grid) -> float:
    """Inches of a panel and of the legend below it."""
    return 2.1 + 0.13 * len(_modes(grid))


def _panel_against_n(axis: Axes, members: Sequence[Scaling]) -> None:
    for scaling in members:
        for mode in theme.in_drawing_order(scaling.modes):
            _line(axis, positive(scaling.of_mode(mode), _ERROR), "seq_len", mode)
    _exact_line(axis, members[0])
    length_axis(axis, sorted({steps for scaling in members for steps in scaling.lengths}), most_labels=6)


def _panel_against_h(axis: Axes, members: Sequence[Scaling]) -> None:
    sweep = step_sweep(members)
    modes = theme.in_mode_order(sweep["gradient_mode"])
    labels = {}
    for mode in theme.in_drawing_order(modes):
        own = where(sweep, gradient_mode=mode)
        _line(axis, own, "step_size", mode)
        if fit := order(own, members[0].exact_below):
            labels[mode] = f"{mode}: p = {exponent_text(fit)}"
    _exact_line(axis, members[0])
    axis.set_xscale("log")
    steps = sorted(distinct(sweep, "step_size"))
    axis.set_xticks(steps, [f"{step:g}" for step in steps])
    axis.xaxis.set_minor_locator(ticker.NullLocator())
    axis.set_xlabel(f"h at N = {sweep['seq_len'].iloc[0]} (units of time)")
    axis.legend(
        handles=theme.mode_handles(modes, labels), loc="upper center", bbox_to_anchor=(0.5, -0.25), frameon=False,
        handlelength=3.5, fontsize=6.5,
    )  # fmt: skip


def _line(axis: Axes, own: pd.DataFrame, column: str, mode: str) -> None:
    look = theme.mode_look(mode)
    x, y = own[column].to_numpy(dtype=float), own[_ERROR].to_numpy(dtype=float)
    axis.plot(x, y, color=look.colour, marker=look.marker, linestyle=look.dash, markeredgecolor="white", mew=0.4)


def _exact_line(axis: Axes, scaling: Scaling) -> None:
    axis.axhline(scaling.exact_below, color="0.4", linestyle=":", linewidth=0.9, zorder=1)
    axis.set_yscale("log")
    power_ticks(axis)


def _align(figure: Figure) -> None:
    """The same limits in all panels, and the label at the left ones."""
    limits = [axis.get_ylim() for axis in figure.axes]
    for axis in figure.axes:
        axis.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
        place = axis.get_subplotspec()
        if place is not None and place.is_first_col():
            axis.set_ylabel("gradient error (relative)")


def _with_steps(measured: Sequence[Scaling]) -> list[Scaling]:
    """Those that are part of a sweep of the step size."""
    alike = facets.families(measured, ("step_size",))
    return [member for family in alike if len(step_sweep(family.members)) for member in family.members]


def _title(what: str, family: Family) -> str:
    return f"{what}, {family.name.replace('_', ' ')}" if family.name else what
