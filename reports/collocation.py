"""The a-posteriori estimate of collocation polynomials and PINNs, measured by `bench.studies.collocation`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import saving, theme
from reports.exhibit import Exhibit
from reports.frames import column, distinct, groups, keep, records, where
from reports.log_axes import power_ticks
from reports.numerals import plain
from reports.tabular import Table

TITLE = "Collocation, and a PINN on one initial value problem"
ROUNDING = 1e-15  # residuals and errors below this are rounding
_DRAWN = (
    "The harmonic oscillator from (1, 0) on [0, Dt]. Left: error of collocation polynomials at s Gauss nodes against "
    "Dt; right: of PINNs, at moments of their training, against their residual at s Gauss nodes."
)
_LEAST_DRAWN = 1e-6  # a residual below it is drawn there: nothing changes any more
_COLOURS = sns.color_palette("colorblind", 8)
_MARKERS = ("o", "s", "^", "D")


def exhibits(rows: pd.DataFrame, out: Path) -> list[Exhibit]:
    """Writes collocation.png and .pdf, and collocation and collocation_pinn as .md, .tex and .csv."""
    figure = draw(rows)
    pictures = saving.save(figure, out, "collocation")
    found, ends = orders(rows), endings(rows)
    texts = orders_table(found).publish(out, "collocation", found, ())
    pinns = endings_table(ends).publish(out, "collocation_pinn", ends, ())
    return [replace(texts, caption=f"{_DRAWN} {texts.caption}", files=(*pictures, *texts.files)), pinns]


def exponent(x: pd.Series, y: pd.Series) -> float:
    """a of y ~ x^a, by least squares."""
    return float(np.polyfit(np.log(x.to_numpy()), np.log(y.to_numpy()), 1)[0])


def orders(rows: pd.DataFrame) -> pd.DataFrame:
    """For each polynomial the exponents in Dt of its error at the end and of its largest on [0, Dt]."""
    found = []
    for (rule, nodes), own in groups(where(rows, method="polynomial"), ["rule", "nodes"]):
        exact = keep(own, own["error_end"] > 100 * ROUNDING)
        ends, largest = (exponent(column(exact, "span"), column(exact, name)) for name in ("error_end", "error_max"))
        run = own["run_id"].iloc[0]
        found.append({"rule": rule, "nodes": nodes, "order_end": ends, "order_max": largest, "run_id": run})
    return pd.DataFrame(found)


def draw(rows: pd.DataFrame) -> Figure:
    """Left: error of polynomials at Gauss nodes against Dt; right: error of the PINN against its residual."""
    with theme.style():
        figure, axes = theme.panels(1, 2, height=3.6)
        _draw_orders(axes[0, 0], where(rows, method="polynomial", rule="gauss"))
        _draw_residuals(axes[0, 1], where(rows, method="pinn"))
        return figure


def _draw_orders(axis: Axes, rows: pd.DataFrame) -> None:
    shades = dict(zip(sorted(distinct(rows, "nodes")), zip(_COLOURS, _MARKERS, strict=False), strict=False))
    for nodes, (colour, marker) in shades.items():
        own = where(rows, nodes=nodes)
        axis.plot(own["span"], own["error_end"], color=colour, marker=marker, label=f"s = {nodes}")
        axis.plot(own["span"], own["error_max"], color=colour, marker=marker, linestyle="--", markerfacecolor="white")
    solid = Line2D([], [], color="0.3", label="at t = Δt")
    dashed = Line2D([], [], color="0.3", linestyle="--", label="largest on [0, Δt]")
    _finish(axis, "polynomial collocation, s Gauss nodes", "Δt (units of time)", "‖error‖ (units of state)")
    spans = sorted(distinct(rows, "span"))
    axis.set_xticks(spans, [f"{span:g}" for span in spans])
    axis.set_xticks([], minor=True)
    _legend_below(axis, [*axis.get_legend_handles_labels()[0], solid, dashed])


def _draw_residuals(axis: Axes, rows: pd.DataFrame) -> None:
    counts, spans = sorted(distinct(rows, "nodes")), sorted(distinct(rows, "span"))
    for place, count in enumerate(counts):
        for span in spans:
            own = where(rows, nodes=count, span=span)
            axis.plot(
                column(own, "residual").clip(lower=_LEAST_DRAWN), own["error_max"], color=_COLOURS[place],
                marker=_MARKERS[place], linestyle="none", markerfacecolor="white" if span == spans[0] else None,
                label=f"s = {count}, Δt = {span:g}",
            )  # fmt: skip
    _finish(
        axis, "PINN during training, s Gauss nodes", "largest residual at the nodes (state / time), least 1e-6", ""
    )
    axis.set_ylabel("largest ‖error‖ on [0, Δt] (units of state)")
    _legend_below(axis, axis.get_legend_handles_labels()[0])


def _finish(axis: Axes, title: str, across: str, up: str) -> None:
    axis.set_xscale("log")
    axis.set_yscale("log")
    power_ticks(axis, "x")
    power_ticks(axis)
    axis.set_title(title)
    axis.set_xlabel(across)
    axis.set_ylabel(up)


def _legend_below(axis: Axes, handles: list) -> None:
    axis.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, frameon=False)


def endings(rows: pd.DataFrame) -> pd.DataFrame:
    """The last row of each PINN's training."""
    return where(rows, method="pinn").drop_duplicates(["nodes", "span", "seed"], keep="last")


def orders_table(found: pd.DataFrame) -> Table:
    """The exponents as text."""
    caption = (
        "Exponents a of error ~ Dt^a of collocation polynomials with so many nodes, by least squares on logarithms "
        "of the errors above rounding; the harmonic oscillator from (1, 0)."
    )
    lines = [
        [row["rule"], str(row["nodes"]), plain(row["order_end"]), plain(row["order_max"])] for row in records(found)
    ]
    return Table(
        "The a-posteriori estimate, measured", caption, ("rule", "nodes", "at t = Dt", "largest on [0, Dt]"), lines
    )


def endings_table(ends: pd.DataFrame) -> Table:
    """What each PINN ended with, as text."""
    lines = [
        [str(row["nodes"]), *(plain(row[name]) for name in ("span", "residual", "error_max", "seconds"))]
        for row in records(ends)
    ]
    caption = (
        "The net whose residual at s Gauss nodes is made small, at the end of its training: the largest residual "
        "there (state/time), the largest error on [0, Dt] (state), seconds of training."
    )
    headings = ("nodes", "Dt", "residual at the nodes", "largest error", "seconds")
    return Table("PINNs at the end of their training", caption, headings, lines)
