"""Figure VIII: memory and runtime of one training iteration against N, drawn and tabulated."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import cost_tables, exponents, outcomes, saving, theme
from reports import rows as select
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.frames import is_null, positive, records
from reports.log_axes import length_axis, readable_ticks
from reports.scaling_points import Scaling, exponent_text, sweeps

TITLE = "Cost of a training iteration (Figure VIII)"


def chapter(profiles: pd.DataFrame, measured: list[Scaling], out: Path) -> Chapter:
    """Writes a figure for each system and setting, and tables of points, phases and exponents, into `out`."""
    if profiles.empty:
        return Chapter(TITLE, missing=("no profile rows: Figure VIII not drawn",))
    left_out = notes(profiles)
    if not measured:
        return Chapter(TITLE, missing=("no profile row is ok: Figure VIII not drawn", *left_out))
    drawn = sweeps(measured)
    missing = [] if drawn else ["no setting was profiled at two lengths: Figure VIII not drawn, no exponents"]
    figures = [_figure_exhibit(scaling, out) for scaling in drawn]
    tables = [exponents.exhibit(drawn, out)] if drawn else []
    tables += [cost_tables.points(measured, left_out, out)]
    if phases := cost_tables.phases(measured, out):
        tables.append(phases)
    else:
        missing.append("no profile row has its peak memory by phase: that table was not made")
    return Chapter(TITLE, (*figures, *tables), tuple(missing))


def draw(scaling: Scaling) -> Figure:
    """Two log-log panels, memory (MiB) and runtime (ms) against N; band: quartiles of the repeats."""
    with theme.style():
        figure, axes = theme.panels(1, 2, height=2.9 + 0.14 * len(scaling.modes))
        memory, runtime = axes[0]
        for mode in theme.in_drawing_order(scaling.modes):
            _draw_line(memory, scaling, mode, "peak_mib")
            _draw_line(runtime, scaling, mode, "iteration_ms")
            own = scaling.of_mode(mode)
            runtime.fill_between(
                own["seq_len"].astype(float),
                own["iteration_q25_ms"],
                own["iteration_q75_ms"],
                color=theme.mode_look(mode).colour,
                alpha=0.25,
                linewidth=0,
            )
        _finish(memory, scaling, "peak_mib", "peak memory of one iteration (MiB)")
        _finish(runtime, scaling, "iteration_ms", "time of one iteration (ms)")
        theme.title(figure, scaling.title)
        return figure


def notes(profiles: pd.DataFrame) -> list[str]:
    """What does not enter: cells that are not ok, and older rows of the same cells."""
    sentences = outcomes.left_out(profiles.assign(line=_cell_names(profiles)))
    _, dropped = select.newest_of_each_cell(select.ok(profiles))
    return sentences + outcomes.older(dropped)


def _figure_exhibit(scaling: Scaling, out: Path) -> Exhibit:
    figure = draw(scaling)
    files = saving.save(figure, out, stem("scaling", scaling.system, scaling.distinction))
    caption = (
        f"Peak memory and runtime of one training iteration against the number of steps N: {scaling.title}. "
        f"Band: quartiles of the repeats. Legend: exponent k of N^k, {exponents.FIT}, ± half width "
        "of its 95 % interval."
    )
    name = ", ".join(filter(None, (prose(scaling.system), prose(scaling.distinction))))
    return Exhibit(f"Memory and runtime against N, {name}", caption, files, cells=ids(scaling.points))


def _draw_line(axis: Axes, scaling: Scaling, mode: str, column: str) -> None:
    own = positive(scaling.of_mode(mode), column)
    if own.empty:
        return
    look = theme.mode_look(mode)
    axis.plot(
        own["seq_len"].astype(float), own[column],
        color=look.colour, marker=look.marker, linestyle=look.dash, markeredgecolor="white", markeredgewidth=0.75,
    )  # fmt: skip


def _finish(axis: Axes, scaling: Scaling, column: str, quantity: str) -> None:
    axis.set_ylabel(quantity)
    modes = [mode for mode in scaling.modes if len(positive(scaling.of_mode(mode), column))]
    if not modes:  # and a logarithmic axis has no place for nothing
        axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center")
        axis.set(xticks=[], yticks=[])
        return
    axis.set_yscale("log")
    length_axis(axis, scaling.lengths)
    readable_ticks(axis, "y")
    labels = {mode: f"{mode}: k = {exponent_text(scaling.exponent(mode, column))}" for mode in modes}
    axis.legend(
        handles=theme.mode_handles(modes, labels),
        loc="upper center",
        bbox_to_anchor=(0.5, -0.18),
        frameon=False,
        handlelength=4,
    )


def _cell_names(profiles: pd.DataFrame) -> list[str]:
    """The cells in words; the length is the last of them."""
    names = []
    for row in records(profiles):
        parts = [row[name] for name in ("model", "gradient_mode", "integrator", "start_guess", "net")]
        step = f"h={row['step_size']:g}" if not is_null(row["step_size"]) else None
        names.append(", ".join(str(part) for part in (*parts, step, f"N={row['seq_len']}") if not is_null(part)))
    return names
