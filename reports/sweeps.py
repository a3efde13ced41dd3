"""Errors against what a grid varies of the data: their noise, and how many trajectories there are."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.schema import TEST_SETS
from reports import rows as select
from reports import saving, theme
from reports.error_markdown import HEADINGS
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.frames import distinct, distinct_pairs, groups, keep, mean, narrow, ordered, records, varies, where
from reports.log_axes import power_ticks, readable_ticks
from reports.material import Material
from reports.numerals import plain, with_interval
from reports.statistics import mean_interval
from reports.tabular import Table

TITLE = "Errors against noise and number of trajectories"
_NEEDED = [*select.LINED, "protocol", "status", "validation_loss", "noise", "train_starts",
           *(f"h_mae_{name}" for name in TEST_SETS)]  # fmt: skip


@dataclass(frozen=True)
class Sweep:
    """What is varied: a key of the protocol, which is the column too, and how the figure says it."""

    key: str
    title: str
    axis: str
    logarithmic: bool


SWEEPS = (
    Sweep("noise", "Error of H against noise", "standard deviation of the noise (state)", False),
    Sweep(
        "train_starts", "Error of H against the number of trajectories", "trajectories that were learned from", True
    ),
)


def chapter(material: Material, out: Path) -> Chapter:
    """Writes noise_PROTOCOL and train_starts_PROTOCOL, as figure and table, for each protocol that is so varied."""
    found = {sweep: families(material, sweep) for sweep in SWEEPS}
    exhibits = tuple(
        _exhibit(points(rows, sweep), sweep, base, out, left_out)
        for sweep, varied in found.items()
        for base, (rows, left_out) in varied.items()
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


def draw(found: pd.DataFrame, sweep: Sweep) -> Figure:
    """A panel a system (across) and test set (RU above Gaussian): a line a model, bars over the range of seeds."""
    systems, sets = select.systems(found), ("ru", "gaussian")
    looks = theme.line_looks(sorted(distinct_pairs(found, "model", "line")))
    with theme.style():
        figure, axes = theme.panels(len(sets), len(systems), height=2.2)
        for line, test_set in zip(axes, sets, strict=True):
            for axis, system in zip(line, systems, strict=True):
                _draw_panel(axis, where(found, system=system, test_set=test_set), sweep, looks)
                axis.set_title(f"{prose(system)}, {HEADINGS[test_set]}")
            line[0].set_ylabel("mean |H_pred - H_true|\n(units of H)")
        figure.supxlabel(sweep.axis, fontsize=8)
        handles = [Line2D([], [], color=look.colour, marker=look.marker, linestyle=look.dash, label=name)
                   for name, look in looks.items() if name != "true_h"]  # fmt: skip
        figure.legend(
            handles=handles, loc="outside lower center", ncols=min(4, len(handles)), frameon=False, handlelength=3
        )
        return figure


def _draw_panel(axis: Axes, found: pd.DataFrame, sweep: Sweep, looks: dict[str, theme.Look]) -> None:
    for (name,), own in groups(keep(found, found["mean"] > 0), ["line"]):
        if name == "true_h":
            continue  # its errors are rounding
        own, look = ordered(own, [sweep.key]), looks[name]
        reach = (own["mean"] - own["least"], own["largest"] - own["mean"])
        axis.errorbar(
            own[sweep.key].astype(float), own["mean"], yerr=reach,
            color=look.colour, marker=look.marker, linestyle=look.dash, elinewidth=0.8, capsize=1.5,
        )  # fmt: skip
    axis.set_yscale("log")
    power_ticks(axis)
    if sweep.logarithmic:
        axis.set_xscale("log")
        readable_ticks(axis, "x")


def _exhibit(found: pd.DataFrame, sweep: Sweep, protocol: str, out: Path, left_out: int) -> Exhibit:
    name = stem(sweep.key, protocol)
    figure = draw(found, sweep)
    pictures = saving.save(figure, out, name)
    caption = (
        f"{sweep.title}, protocol {protocol} with other values of {sweep.key}: mean over seeds, in the figure with "
        "bars from the least to the largest, in the table ± half width of the 95 % t-interval. constant predicts the "
        f"mean of H; true_h, whose errors are rounding, is not drawn.{select.room(left_out)}"
    )
    lines = [
        [prose(system), line, plain(value, 6), *_numbers(own), _seeds(own)]
        for (system, line, value), own in groups(found, ["system", "line", sweep.key])
    ]
    headings = ("system", "model", sweep.key, *(HEADINGS[test_set] for test_set in TEST_SETS), "seeds")
    texts = Table(f"{sweep.title}, protocol {protocol}", caption, headings, lines, 2).publish(
        out, name, found, ids(found)
    )
    return replace(texts, files=(*pictures, *texts.files))


def _numbers(own: pd.DataFrame) -> list[str]:
    of_set = {row["test_set"]: row for row in records(own)}
    return [
        with_interval(of_set[test_set]["mean"], of_set[test_set]["high"] - of_set[test_set]["mean"])
        for test_set in TEST_SETS
    ]


def _seeds(own: pd.DataFrame) -> str:
    return str(max(distinct(own, "seeds"), default=0))
