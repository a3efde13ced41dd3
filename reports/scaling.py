"""Figure VIII: memory and runtime of one training iteration against N, drawn and tabulated."""

from pathlib import Path

import matplotlib.ticker as ticker
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import outcomes, theme
from reports import rows as select
from reports.exhibit import Chapter, Exhibit, escape, prose, stem, write
from reports.frames import records
from reports.numerals import plain
from reports.scaling_points import Scaling, exponent_text, scalings

TITLE = "Cost of a training iteration (Figure VIII)"
_COLUMNS = {
    "gradient_mode": "gradient mode",
    "seq_len": "N",
    "repeats": "repeats",
    "iteration_ms": "iteration, ms",
    "iteration_q25_ms": "25 %",
    "iteration_q75_ms": "75 %",
    "peak_mib": "peak, MiB",
    "field_evals_forward": "field evaluations forward",
    "field_evals_backward": "backward",
    "gradient_rel_error": "gradient error",
    "gradient_cosine": "cosine",
}


def chapter(frame: pd.DataFrame, out: Path) -> Chapter:
    """Writes a figure for each system and setting, scaling.csv and scaling.md into `out`."""
    profiles = select.of_kind(frame, "profile")
    if profiles.empty:
        return Chapter(TITLE, missing=("no profile rows: Figure VIII not drawn",))
    left_out = outcomes.left_out(profiles.assign(line=_cell_names(profiles)))
    measured = scalings(profiles)
    if not measured:
        return Chapter(TITLE, missing=("no profile row is ok: Figure VIII not drawn", *left_out))
    figures = [_figure_exhibit(scaling, out) for scaling in measured]
    return Chapter(TITLE, (*figures, _table_exhibit(measured, left_out, out)))


def draw(scaling: Scaling) -> Figure:
    """Two log-log panels, memory (MiB) and runtime (ms) against N; band: quartiles of the repeats."""
    with theme.style():
        figure, axes = theme.panels(1, 2, height=3.1)
        memory, runtime = axes[0]
        for mode in scaling.modes:
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
        _finish(memory, scaling, "peak memory of one iteration (MiB)")
        _finish(runtime, scaling, "time of one iteration (ms)")
        figure.suptitle(scaling.title)
        return figure


def table(scaling: Scaling) -> str:
    """Markdown: the points, and the fitted exponents."""
    lines = ["| " + " | ".join(_COLUMNS.values()) + " |", "| --- |" + " ---: |" * (len(_COLUMNS) - 1)]
    for point in records(scaling.points):
        values = [point[column] for column in _COLUMNS]
        cells = [value if isinstance(value, str) else plain(value, digits=4) for value in values]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| gradient mode | memory ~ N^k | time ~ N^k |", "| --- | ---: | ---: |"]
    for mode in scaling.modes:
        memory, runtime = (exponent_text(scaling.exponent(mode, name)) for name in ("peak_mib", "iteration_ms"))
        lines.append(f"| {mode} | {memory} | {runtime} |")
    return "\n".join(lines) + "\n"


def tidy(measured: list[Scaling]) -> pd.DataFrame:
    """One row a point of any figure, with its system and setting."""
    return pd.concat(
        [scaling.points.assign(system=scaling.system, **scaling.setting) for scaling in measured],
        ignore_index=True,
    )


def _figure_exhibit(scaling: Scaling, out: Path) -> Exhibit:
    figure = draw(scaling)
    with theme.style():
        files = theme.save(figure, out, stem("scaling", scaling.system, scaling.distinction))
    caption = (
        f"Peak memory and runtime of one training iteration against the number of steps N: {scaling.title}. "
        "Band: quartiles of the repeats. Legend: exponent k of N^k, least squares in log-log, ± half width "
        "of its 95 % interval."
    )
    return Exhibit(f"Memory and runtime against N, {prose(scaling.system)}", caption, files)


def _table_exhibit(measured: list[Scaling], left_out: list[str], out: Path) -> Exhibit:
    caption = (
        "Median time of one iteration with quartiles, peak memory, field evaluations a trajectory, and the "
        "error and cosine of the gradient against the exact one of the same rollout in float64."
    )
    blocks = [f"**{scaling.title}**\n\n{table(scaling)}" for scaling in measured]
    notes = [f"- {escape(note)}" for note in left_out]
    body = "\n".join([*blocks, *notes]).rstrip() + "\n"
    files = (
        write(out / "scaling.md", f"# {TITLE}\n\n{caption}\n\n{body}"),
        write(out / "scaling.csv", tidy(measured).to_csv(index=False, lineterminator="\n")),
    )
    return Exhibit("Cost of a training iteration in numbers", caption, files, body)


def _draw_line(axis: Axes, scaling: Scaling, mode: str, column: str) -> None:
    own = scaling.of_mode(mode).dropna(subset=[column])
    own = own[own[column] > 0]  # a logarithmic axis has no place for 0
    if own.empty:
        return
    look = theme.mode_look(mode)
    label = f"{mode}: $k$ = {exponent_text(scaling.exponent(mode, column))}"
    sns.lineplot(
        x=own["seq_len"].astype(float), y=own[column], ax=axis, label=label, errorbar=None,
        color=look.colour, marker=look.marker, linestyle=look.dash,
    )  # fmt: skip


def _finish(axis: Axes, scaling: Scaling, quantity: str) -> None:
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    lengths = sorted(int(steps) for steps in scaling.points["seq_len"].unique())
    axis.set_xticks(lengths, [str(steps) for steps in lengths])
    axis.xaxis.set_minor_locator(ticker.NullLocator())
    axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axis.yaxis.set_minor_locator(ticker.NullLocator())
    axis.set_xlabel("N (steps)")
    axis.set_ylabel(quantity)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), frameon=False, handlelength=3.5)
    else:
        axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center")


def _cell_names(profiles: pd.DataFrame) -> list[str]:
    return [f"{row['model']}, {row['gradient_mode']}, N={row['seq_len']}" for row in records(profiles)]
