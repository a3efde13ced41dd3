"""python -m reports.collocation --results DIR --out DIR: the a-posteriori estimate, measured by bench.collocation."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import seaborn as sns
import typer
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.schema import COLLOCATION
from reports import saving, theme
from reports.command import print_files
from reports.exhibit import write
from reports.frames import column, distinct, groups, keep, where
from reports.log_axes import power_ticks
from reports.numerals import plain
from reports.tabular import markdown

FILE = "collocation.parquet"
ROUNDING = 1e-15  # residuals and errors below this are rounding
_LEAST_DRAWN = 1e-6  # a residual below it is drawn there: nothing changes any more
_COLOURS = sns.color_palette("colorblind", 8)
_MARKERS = ("o", "s", "^", "D")


def build(results: Path, out: Path) -> list[Path]:
    """Writes collocation.png, .pdf and .md into `out`. Raises OSError if the rows cannot be read."""
    rows = pd.read_parquet(results / FILE, columns=COLLOCATION.names)
    out.mkdir(parents=True, exist_ok=True)
    figure = draw(rows)
    pictures = saving.save(figure, out, "collocation")
    return [*pictures, write(out / "collocation.md", table(rows))]


def exponent(x: pd.Series, y: pd.Series) -> float:
    """a of y ~ x^a, by least squares."""
    return float(np.polyfit(np.log(x.to_numpy()), np.log(y.to_numpy()), 1)[0])


def orders(rows: pd.DataFrame) -> pd.DataFrame:
    """For each polynomial the exponents in Dt of its error at the end and of its largest on [0, Dt]."""
    found = []
    for (rule, nodes), own in groups(where(rows, method="polynomial"), ["rule", "nodes"]):
        exact = keep(own, own["error_end"] > 100 * ROUNDING)
        ends, largest = (exponent(column(exact, "span"), column(exact, name)) for name in ("error_end", "error_max"))
        found.append({"rule": rule, "nodes": nodes, "order_end": ends, "order_max": largest})
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


def table(rows: pd.DataFrame) -> str:
    """The measured orders, and what each PINN ended with, in Markdown."""
    found = orders(rows)
    cells = [
        [str(rule), str(nodes), plain(own["order_end"].iloc[0]), plain(own["order_max"].iloc[0])]
        for (rule, nodes), own in groups(found, ["rule", "nodes"])
    ]
    text = "# The a-posteriori estimate, measured\n\nExponents a of error ~ Dt^a of collocation polynomials:\n\n"
    text += markdown(["rule", "nodes", "at t = Dt", "largest on [0, Dt]"], cells)
    endings = [
        [str(nodes), plain(span), *(plain(own[name].iloc[-1]) for name in ("residual", "error_max", "seconds"))]
        for (nodes, span), own in groups(where(rows, method="pinn"), ["nodes", "span"])
    ]
    text += "\nPINNs at the end of their training:\n\n"
    return text + markdown(["nodes", "Dt", "residual at the nodes", "largest error", "seconds"], endings)


def main(
    results: Annotated[Path, typer.Option(help="Folder that bench.collocation wrote to.")],
    out: Annotated[Path, typer.Option(help="Folder for the table and figure; made if it is not there.")],
) -> None:
    """Draw the error of collocation polynomials and PINNs against step and residual, and print the paths."""
    print_files(lambda: build(results, out), OSError)


if __name__ == "__main__":
    typer.run(main)
