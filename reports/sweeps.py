"""Errors against what a grid varies of the data: their noise, and how many trajectories there are."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.schema import TEST_SETS
from reports import rows as select
from reports import saving, theme
from reports.error_markdown import HEADINGS
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.frames import (
    distinct,
    distinct_pairs,
    groups,
    keep,
    mean,
    narrow,
    ordered,
    otherwise,
    records,
    varies,
    where,
)
from reports.layout import legend_below, line_handles, sheets
from reports.log_axes import power_ticks, readable_ticks
from reports.material import Material
from reports.numerals import plain, with_interval
from reports.statistics import mean_interval
from reports.tabular import Table

TITLE = "Errors against noise and number of trajectories"
_NEEDED = [*select.LINED, "protocol", "status", "validation_loss", "noise", "train_starts",
           *(f"h_mae_{name}" for name in TEST_SETS)]  # fmt: skip


_SETS = ("ru", "gaussian")
_ROUNDING = 1e-9  # units of H: errors below are no model's, and would take the axis from the others
_HEIGHT, _COLUMNS = 2.2, 3  # inches of a panel, and panels a row


@dataclass(frozen=True)
class Sweep:
    """What is varied: a key of the protocol, which is the column too, and how the figure says it."""

    key: str
    title: str
    axis: str
    logarithmic: bool


SWEEPS = (
    Sweep("noise", "Error of H against noise", "standard deviation\nof the noise (state)", False),
    Sweep(
        "train_starts", "Error of H against the number of trajectories", "trajectories that\nwere learned from", True
    ),
)


def chapter(material: Material, out: Path) -> Chapter:
    """Writes noise_PROTOCOL and train_starts_PROTOCOL, as figure and table, for each protocol that is so varied."""
    found = {sweep: families(material, sweep) for sweep in SWEEPS}
    exhibits = tuple(
        exhibit
        for sweep, varied in found.items()
        for base, (rows, left_out) in varied.items()
        for exhibit in _exhibits(points(rows, sweep), sweep, base, out, left_out)
    )
    lacking = " or ".join(sweep.key for sweep, varied in found.items() if not varied)
    missing = (f"no protocol with ok rows of several values of {lacking}: errors against it not drawn",)
    return Chapter(TITLE, exhibits, missing if lacking else ())


def families(material: Material, sweep: Sweep) -> dict[str, tuple[pd.DataFrame, int]]:
    """The ok rows by the protocol that was varied, of the lines that a figure has room for, and how many it has not.

    A variation is named PROTOCOL_KEY_VALUE; the protocol itself, which has a value of its own, belongs to it.
    """
    newest = [narrow(lined, _NEEDED) for lined in material.simulated.values()]
    rows = select.ok(pd.concat([material.no_rows.reindex(columns=_NEEDED), *newest], ignore_index=True))
    rows = keep(rows, rows[sweep.key].notna())
    bases = rows["protocol"].map(lambda name: re.sub(rf"_{sweep.key}_[^_]+$", "", name))
    varied = set(bases[bases != rows["protocol"]])
    found = {}
    for base in sorted(varied):
        own = keep(rows, bases == base)
        if varies(own, sweep.key):
            found[base] = select.drawn(select.with_lines(own), "h_mae_ru")  # lines of all variations together
    return found


def points(rows: pd.DataFrame, sweep: Sweep) -> pd.DataFrame:
    """One row a (system, line, value, test set): `mean` over `seeds`, its 95 % t-interval, range, `cell_ids`."""
    found = []
    for (system, model, line, value), own in groups(rows, ["system", "model", "line", sweep.key]):
        for test_set in TEST_SETS:
            known = own.dropna(subset=[f"h_mae_{test_set}"])
            of_seeds = [mean(seed, f"h_mae_{test_set}") for _, seed in groups(known, ["seed"])]
            interval = mean_interval(of_seeds)
            found.append({
                "system": system, "model": model, "line": line, sweep.key: value, "test_set": test_set,
                "mean": interval.mean, "low": interval.low, "high": interval.high, "seeds": interval.count,
                "least": min(of_seeds, default=np.nan), "largest": max(of_seeds, default=np.nan),
                "cell_ids": ";".join(sorted(known["cell_id"])),
            })  # fmt: skip
    return pd.DataFrame(found)


def draw(found: pd.DataFrame, sweep: Sweep, looks: Mapping[str, theme.Look]) -> Figure:
    """A panel a system (across) and test set (RU above Gaussian): a line a model, bars over the range of seeds."""
    drawn, systems = otherwise(found, "model", "true_h"), select.systems(found)
    columns = min(_COLUMNS, len(systems))
    with theme.style():
        figure, axes = theme.panels(len(_SETS) * math.ceil(len(systems) / columns), columns, _HEIGHT)
        theme.hide(list(axes[-len(_SETS) :, (len(systems) - 1) % columns + 1 :].flat))
        for place, system in enumerate(systems):
            for row, test_set in enumerate(_SETS, len(_SETS) * (place // columns)):
                axis = axes[row, place % columns]
                _draw_panel(axis, where(drawn, system=system, test_set=test_set), sweep, looks)
                axis.set_title(f"{prose(system)}, {HEADINGS[test_set]}")
                axis.set_xlabel(sweep.axis if test_set == _SETS[-1] else "")  # below the lowest of a system
                if place % columns == 0:
                    axis.set_ylabel("mean |H_pred - H_true|\n(units of H)")
        legend_below(figure, line_handles(looks, distinct(drawn, "line")))
        return figure


def _draw_panel(axis: Axes, found: pd.DataFrame, sweep: Sweep, looks: Mapping[str, theme.Look]) -> None:
    for (name,), own in groups(keep(found, found["mean"] > _ROUNDING), ["line"]):
        own, look = ordered(own, [sweep.key]), looks[name]
        reach = [own["mean"] - own["least"], own["largest"] - own["mean"]]
        axis.errorbar(
            own[sweep.key].astype(float), own["mean"], yerr=np.maximum(0, reach),
            color=look.colour, marker=look.marker, linestyle=look.dash, elinewidth=0.8, capsize=1.5,
        )  # fmt: skip
    axis.set_yscale("log")
    power_ticks(axis)
    if sweep.logarithmic:
        axis.set_xscale("log")
        readable_ticks(axis, "x")


def _exhibits(found: pd.DataFrame, sweep: Sweep, protocol: str, out: Path, left_out: int) -> list[Exhibit]:
    title, name = f"{sweep.title}, protocol {protocol}", stem(sweep.key, protocol)
    caption = (
        f"{title} with other values of {sweep.key}: mean over seeds, in the figure with "
        "bars from the least to the largest, in the table ± half width of the 95 % t-interval. constant predicts the "
        f"mean of H; errors below {_ROUNDING:g}, as those of true_h, are rounding and not drawn."
        f"{select.room(left_out, 'left out')}"
    )
    lines = [
        [prose(system), line, plain(value, 6), *_numbers(own), _seeds(own)]
        for (system, line, value), own in groups(found, ["system", "line", sweep.key])
    ]
    headings = ("system", "model", sweep.key, *(HEADINGS[test_set] for test_set in TEST_SETS), "seeds")
    texts = Table(title, caption, headings, lines, 2).publish(out, name, found, ids(found))
    first, *others = _pictures(found, sweep, title, caption, out, name)
    return [replace(texts, files=(*first.files, *texts.files)), *others]


def _pictures(found: pd.DataFrame, sweep: Sweep, title: str, caption: str, out: Path, name: str) -> Iterator[Exhibit]:
    looks = theme.line_looks(sorted(distinct_pairs(found, "model", "line")))
    for sheet in sheets(select.systems(found), len(_SETS) * _HEIGHT, _COLUMNS):
        own = keep(found, found["system"].isin(sheet.entries))
        files = saving.save(draw(own, sweep, looks), out, stem(name, sheet.suffix))
        yield Exhibit(title + sheet.words, caption, files, cells=ids(own))


def _numbers(own: pd.DataFrame) -> list[str]:
    of_set = {row["test_set"]: row for row in records(own)}
    return [
        with_interval(of_set[test_set]["mean"], of_set[test_set]["high"] - of_set[test_set]["mean"])
        for test_set in TEST_SETS
    ]


def _seeds(own: pd.DataFrame) -> str:
    return str(max(distinct(own, "seeds"), default=0))
