"""Error against training time: which model is worth its cost, and which another beats in both."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import rows as select
from reports import saving, theme
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.frames import distinct, distinct_pairs, groups, keep, mean, median, narrow, records, where
from reports.layout import legend_below, line_handles, sheets
from reports.log_axes import power_ticks, readable_ticks
from reports.material import Material
from reports.numerals import ABSENT, plain, with_interval
from reports.pareto import ring_handle, unbeaten
from reports.statistics import mean_interval
from reports.tabular import Table

TITLE = "Error against training time"
_HEIGHT, _COLUMNS = 2.2, 3  # inches of a panel, and panels a row


@dataclass(frozen=True)
class Measure:
    """An error of a trained model: its column, and how figure and table say it."""

    column: str
    axis: str
    heading: str


MEASURES = (
    Measure("h_mae_ru", "mean |H_pred - H_true|, RU\n(units of H)", "error of H, RU"),
    Measure("rollout_error", "error of rollouts over T\n(relative)", "rollout error"),
)
_NEEDED = [*select.LINED, "status", "validation_loss", "train_s", *(measure.column for measure in MEASURES)]


def chapter(material: Material, out: Path) -> Chapter:
    """Writes error_cost_PROTOCOL, as figure and table, for each protocol with two trained models or more."""
    exhibits, missing = [], []
    for protocol, lined in material.simulated.items():
        rows, left_out = select.drawn(select.ok(narrow(lined, _NEEDED)), "train_s")
        found = points(rows)
        if found.empty or len(distinct(found, "line")) < 2:
            missing.append(f"no two trained models with ok rows, protocol {protocol}: error against time not drawn")
        else:
            exhibits += _exhibits(found, protocol, out, left_out)
    if not material.simulated:
        missing.append("no train rows: error against training time not drawn")
    return Chapter(TITLE, tuple(exhibits), tuple(missing))


def points(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a (system, line, measure): median `train_s` and mean error over seeds, `optimal` as `pareto.unbeaten`.

    A line whose error is infinite with some seed is no rival. References, which are not trained, are left out.
    """
    trained = keep(rows, ~rows["model"].isin(select.REFERENCES))
    found = [
        _point(own, measure) | {"system": system, "model": model, "line": line, "measure": measure.column}
        for (system, model, line), own in groups(trained, ["system", "model", "line"])
        for measure in MEASURES
    ]
    table = pd.DataFrame(found)
    if table.empty:
        return table
    table = keep(table, table["mean"].notna())
    marks = pd.Series(False, index=table.index)
    for _, rivals in groups(drawable(table), ["system", "measure"]):
        marks[rivals.index] = unbeaten(rivals[["train_s", "mean"]].to_numpy())
    return table.assign(optimal=marks)


def drawable(found: pd.DataFrame) -> pd.DataFrame:
    """Points that have a place on logarithmic axes."""
    return keep(found, np.isfinite(found["mean"]) & (found["mean"] > 0) & (found["train_s"] > 0))


def _point(own: pd.DataFrame, measure: Measure) -> dict:
    known = own.dropna(subset=[measure.column])
    of_seeds = [mean(seed, measure.column) for _, seed in groups(known, ["seed"])]
    interval = mean_interval(of_seeds)
    return {
        "train_s": median(own, "train_s"), "mean": interval.mean, "low": interval.low, "high": interval.high,
        "least": min(of_seeds, default=math.nan), "largest": max(of_seeds, default=math.nan),
        "seeds": interval.count, "cell_ids": ";".join(sorted(known["cell_id"])),
    }  # fmt: skip


def draw(found: pd.DataFrame, looks: Mapping[str, theme.Look]) -> Figure:
    """A panel a system (across) and measure (down): a mark a line, bars over the range of seeds, the best ringed."""
    systems, shown = select.systems(found), drawable(found)
    columns = min(_COLUMNS, len(systems))
    with theme.style():
        figure, axes = theme.panels(len(MEASURES) * math.ceil(len(systems) / columns), columns, _HEIGHT)
        theme.hide(list(axes[-len(MEASURES) :, (len(systems) - 1) % columns + 1 :].flat))
        for place, system in enumerate(systems):
            for row, measure in enumerate(MEASURES, len(MEASURES) * (place // columns)):
                axis = axes[row, place % columns]
                _draw_panel(axis, where(shown, system=system, measure=measure.column), looks)
                axis.set_title(prose(system))
                axis.set_xlabel("training time (s)" if measure is MEASURES[-1] else "")
                if place % columns == 0:
                    axis.set_ylabel(measure.axis)
        legend_below(figure, [*line_handles(looks, distinct(found, "line")), ring_handle("beaten by none in both")])
        return figure


def _draw_panel(axis: Axes, found: pd.DataFrame, looks: Mapping[str, theme.Look]) -> None:
    axis.set_xscale("log")
    axis.set_yscale("log")
    for point in records(found):
        look = looks[point["line"]]
        reach = [[point["mean"] - point["least"]], [point["largest"] - point["mean"]]]
        axis.errorbar(
            [point["train_s"]], [point["mean"]], yerr=np.maximum(0, reach), color=look.colour, marker=look.marker,
            linestyle="none", elinewidth=0.8, capsize=1.5,
        )  # fmt: skip
    best = keep(found, found["optimal"])
    axis.scatter(best["train_s"], best["mean"], facecolors="none", edgecolors="black", s=54, linewidths=0.9, zorder=4)
    if found.empty:
        axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center")
    power_ticks(axis)
    readable_ticks(axis, "x")


def _exhibits(found: pd.DataFrame, protocol: str, out: Path, left_out: int) -> list[Exhibit]:
    title, name = f"{TITLE}, protocol {protocol}", stem("error_cost", protocol)
    caption = (
        f"{title}: median time and mean error over seeds, in the figure with bars from least to largest error, in "
        "the table ± half width of the 95 % t-interval. Ringed, and named in the last column: no other line of the "
        "figure is as fast and as accurate and better in one of the two. Training time, without validation, is that "
        f"of a cell on the machine of the run, whose processors cells share.{select.room(left_out, 'left out')}"
    )
    headings = (
        "system",
        "model",
        "training (s)",
        *(measure.heading for measure in MEASURES),
        "seeds",
        "beaten by none",
    )
    lines = [
        [prose(system), line, plain(distinct(own, "train_s")[0], 3), *_cells(own)]
        for (system, line), own in groups(found, ["system", "line"])
    ]
    texts = Table(title, caption, headings, lines, 2).publish(out, name, found, ids(found))
    first, *others = _pictures(found, title, caption, out, name)
    return [replace(texts, files=(*first.files, *texts.files)), *others]


def _pictures(found: pd.DataFrame, title: str, caption: str, out: Path, name: str) -> Iterator[Exhibit]:
    looks = theme.line_looks(sorted(distinct_pairs(found, "model", "line")))
    for sheet in sheets(select.systems(found), len(MEASURES) * _HEIGHT, _COLUMNS):
        own = keep(found, found["system"].isin(sheet.entries))
        yield Exhibit(
            title + sheet.words, caption, saving.save(draw(own, looks), out, stem(name, sheet.suffix)), cells=ids(own)
        )


def _cells(own: pd.DataFrame) -> list[str]:
    of = {row["measure"]: row for row in records(own)}
    known = [of.get(measure.column) for measure in MEASURES]
    numbers = [with_interval(row["mean"], row["high"] - row["mean"]) if row else ABSENT for row in known]
    best = [measure.heading for measure, row in zip(MEASURES, known, strict=True) if row and row["optimal"]]
    return [*numbers, str(max(distinct(own, "seeds"), default=0)), ", ".join(best) or ABSENT]
