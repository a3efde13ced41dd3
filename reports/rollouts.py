"""Free rollouts: what each model makes of one start, beside the true states, and how wrong its rollouts are."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import rows as select
from reports import saving, theme
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.frames import column, groups, narrow, records, where
from reports.material import Material
from reports.numerals import plain, with_interval
from reports.statistics import mean_interval
from reports.tabular import Table

TITLE = "Free rollouts"
_COLUMNS = 3
_LISTS = ("shown_times", "shown_first", "shown_true_times", "shown_true_first")
_MEASURES = {
    "rollout_error": "error over T",
    "error_at_horizon": "error at T",
    "error_at_ten_horizons": "error at 10 T",
    "valid_time": "valid time",
    "escape_share": "escapes",
}
_NEEDED = [*select.LINED, "status", "validation_loss", *_LISTS, *_MEASURES]
_ROOM = 1.6  # of a panel's height, in those of the true motion


@dataclass(frozen=True)
class Rollouts:
    """The rows of one system and protocol that have a rollout to show; `left_out` lines have no room in a figure."""

    system: str
    protocol: str
    rows: pd.DataFrame
    left_out: int

    @property
    def title(self) -> str:
        return f"Free rollouts of {prose(self.system)}, protocol {self.protocol}"

    @property
    def first_seeds(self) -> list[dict[str, Any]]:
        """One row a line, in the order of tables: that of the first of its seeds."""
        by_seed = records(self.rows.sort_values("seed", kind="stable").drop_duplicates("line"))
        return sorted(by_seed, key=lambda row: select.lines(self.rows).index(row["line"]))


def chapter(material: Material, out: Path) -> Chapter:
    """Writes rollouts_SYSTEM.png, .pdf, .md, .tex and .csv; several protocols stand in the names."""
    found = list(rollouts(material))
    several = len({one.protocol for one in found}) > 1
    return Chapter(TITLE, tuple(_exhibit(one, out, one.protocol if several else "") for one in found))


def rollouts(material: Material) -> Iterator[Rollouts]:
    """What has a rollout to show, by protocol and system."""
    for protocol, lined in material.lined.items():
        shown, left_out = select.drawn(select.ok(narrow(lined, _NEEDED)), "shown_first")
        for system in select.systems(shown):
            yield Rollouts(system, protocol, where(shown, system=system), left_out)


def draw(found: Rollouts) -> Figure:
    """One panel a line, all with the same axes: the true motion broad and pale, the rollout until it ends."""
    shown = found.first_seeds
    columns = min(_COLUMNS, len(shown))
    with theme.style():
        figure, axes = theme.panels(math.ceil(len(shown) / columns), columns, height=1.3, shared=True)
        for axis, row in zip(axes.flat, shown, strict=False):
            _draw_panel(axis, row)
        theme.hide(list(axes.flat[len(shown) :]))
        for place, axis in enumerate(axes.flat[: len(shown)]):
            lowest = place + columns >= len(shown)
            axis.tick_params(labelbottom=lowest)
            axis.set_xlabel("t (units of the system's time)" if lowest else "")
            axis.set_ylabel("q (state)" if place % columns == 0 else "")
        return figure


def _draw_panel(axis: Axes, row: dict[str, Any]) -> None:
    times, first, true_times, true_first = (select.numbers(row[name]) for name in _LISTS)
    axis.plot(true_times, true_first, color="0.8", linewidth=2.6, marker=".", markersize=2.6)
    axis.plot(times, first, color=theme.model_look(row["model"]).colour, linewidth=0.9)
    middle, half = (true_first.max() + true_first.min()) / 2, (true_first.max() - true_first.min()) / 2
    axis.set_ylim(middle - _ROOM * half, middle + _ROOM * half)
    axis.set_title(row["line"])


def table(found: Rollouts) -> pd.DataFrame:
    """A row a line: of each measure the mean over seeds and the half width of its 95 % t-interval, and the cells."""
    entries = []
    for (line,), own in groups(found.rows, ["line"]):
        entry: dict[str, object] = {"system": found.system, "line": line, "seeds": len(own)}
        for name in _MEASURES:
            interval = mean_interval(column(own, name))
            entry |= {name: interval.mean, f"{name}_half": interval.high - interval.mean}
        entries.append(entry | {"cell_ids": ";".join(sorted(own["cell_id"]))})
    order = select.lines(found.rows)
    return pd.DataFrame(sorted(entries, key=lambda entry: order.index(entry["line"])))


def _exhibit(found: Rollouts, out: Path, suffix: str) -> Exhibit:
    name = stem("rollouts", found.system, suffix)
    pictures = saving.save(draw(found), out, name)
    caption = (
        "The first coordinate along a free rollout from one true start that was not trained on, of the first seed, "
        "until it ends, and along the true motion (pale), over 10 T, T the time that the data last. In the "
        "table: medians over such starts, relative to the size of the state, as mean over seeds ± half width of the "
        "95 % t-interval; valid is the time until the error exceeds 0.4; escapes are the share of rollouts that left "
        f"ten times the true region or could not go on.{select.room(found.left_out)}"
    )
    data = table(found)
    lines = [
        [row["line"], *(with_interval(row[name], row[f"{name}_half"]) for name in _MEASURES), plain(row["seeds"])]
        for row in records(data)
    ]
    headings = ("model", *_MEASURES.values(), "seeds")
    texts = Table(found.title, caption, headings, lines).publish(out, name, data, ids(data))
    return replace(texts, files=(*pictures, *texts.files))
