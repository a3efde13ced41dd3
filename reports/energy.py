"""Energy over long rollouts: how far the true H moves along what a model predicts, against time."""

import math
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import rows as select
from reports import saving, theme
from reports.bands import draw_band
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.frames import column, distinct_pairs, filled, groups, keep, narrow, records, where
from reports.log_axes import power_ticks
from reports.long_form import long_form
from reports.material import Material
from reports.numerals import plain
from reports.tabular import Table

TITLE = "Energy over long rollouts"
ROUNDING = 1e-12  # an error below this is that of float64, not of a model
SETTLED = 10.0  # time from which on growth is measured
_DRIFTS = {
    "energy_drift": "drift of H (per time)",
    "energy_amplitude": "amplitude of H",
    "learned_energy_drift": "drift of learned H",
    "learned_energy_amplitude": "its amplitude",
    "long_escape_share": "escapes",
    "separatrix_error": "wrong side of separatrix",
}
_NEEDED = [
    *select.LINED, "status", "validation_loss", "energy_horizon", "energy_times", "energy_error_curve", *_DRIFTS
]  # fmt: skip
_NONE = "no ok row with a long rollout: energy against time not drawn"
_MARKED = 12  # every so many points of a curve have a marker


def chapter(material: Material, out: Path) -> Chapter:
    """Writes energy.png, .pdf and .md for each protocol with long rollouts; several stand in the names."""
    followed = {name: select.ok(narrow(lined, _NEEDED)) for name, lined in material.lined.items()}
    # curves are long: rather made twice than those of all protocols kept at once
    followed = {name: rows for name, rows in followed.items() if not _shown(rows)[0].empty}
    exhibits = [
        exhibit
        for name, rows in followed.items()
        for exhibit in _exhibits(rows, name, out, name if len(followed) > 1 else "")
    ]
    missing = [
        f"no ok row of {system}, protocol {name}, with a long rollout: its energy is not drawn"
        for name, rows in followed.items()
        for system in select.systems(material.lined[name])
        if not filled(where(rows, system=system), "energy_error_curve")
    ]
    return Chapter(TITLE, tuple(exhibits), tuple(missing) if followed else (_NONE,))


def _shown(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The curves of the lines that a figure has room for, and how many lines it has not."""
    shown, left_out = select.drawn(rows, "energy_error_curve")
    return curves(shown), left_out


def curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Long form: one row a (system, line, seed, time) with its `error` in units of H, above rounding."""
    points = long_form(
        rows,
        time=[select.numbers(times) for times in rows["energy_times"]],
        error=[select.numbers(curve) for curve in rows["energy_error_curve"]],
    )
    return keep(points, points["error"] > ROUNDING)


def draw(points: pd.DataFrame) -> Figure:
    """One panel a system, both axes logarithmic: mean over seeds, band from the least to the largest."""
    systems = select.systems(points)
    columns = min(2, len(systems))
    looks = theme.line_looks(sorted(distinct_pairs(points, "model", "line")))
    with theme.style():
        figure, axes = theme.panels(math.ceil(len(systems) / columns), columns, height=3.0)
        for axis, system in zip(axes.flat, systems, strict=False):
            _draw_panel(axis, where(points, system=system), looks)
            axis.set_title(prose(system))
        theme.hide(list(axes.flat[len(systems) :]))
        for axis in axes[:, 0]:
            axis.set_ylabel("median |H(t) - H(0)| (units of H)")
        handles = [
            Line2D([], [], color=look.colour, marker=look.marker, linestyle=look.dash, label=line)
            for line, look in looks.items()
        ]
        figure.legend(
            handles=handles, loc="outside lower center", ncols=min(3, len(handles)), frameon=False, handlelength=3
        )
        return figure


def _draw_panel(axis: Axes, points: pd.DataFrame, looks: dict[str, theme.Look]) -> None:
    for (line,), own in groups(points, ["line"]):
        look = looks[line]
        style = {"linestyle": look.dash, "marker": look.marker, "markevery": _MARKED, "markeredgecolor": "white"}
        draw_band(axis, own, "time", "error", look, **style)
    axis.set_xscale("log")
    axis.set_yscale("log")
    power_ticks(axis, "x")
    power_ticks(axis)
    axis.set_xlabel("t (units of the system's time)")
    axis.set_ylabel("")


def growth(curve: pd.DataFrame) -> float:
    """The exponent a of error ~ t^a from SETTLED on, by least squares: 0 is bounded, 1 a steady drift."""
    late = keep(curve, curve["time"] >= SETTLED)
    if len(late) < 3:
        return float("nan")
    return float(np.polyfit(np.log(late["time"]), np.log(late["error"]), 1)[0])


def mean_over_seeds(points: pd.DataFrame) -> pd.DataFrame:
    """One row a (system, line, time) with the mean `error`, in the order of time: of all lines at once, for speed."""
    return cast(Any, points).groupby(["system", "line", "time"], sort=True, as_index=False)["error"].mean()


HEADINGS = ("system", "model", f"at t = {SETTLED:g}", "last t", "at last t", "largest", "growth exponent")


def table(points: pd.DataFrame) -> list[list[str]]:
    """Each line's error at the ends of the long rollout, and how it grows, under HEADINGS; means over seeds."""
    cells, means = [], mean_over_seeds(points)
    for system in select.systems(points):
        for (line,), curve in groups(where(means, system=system), ["line"]):
            errors = column(curve, "error").tolist()
            settled = keep(curve, curve["time"] >= SETTLED)["error"].tolist()
            end = plain(column(curve, "time").max(), 4)
            ends = [plain(settled[0] if settled else None), end, plain(errors[-1]), plain(max(errors))]
            cells.append([prose(system), line, *ends, plain(growth(curve), 2)])
    return cells


def drifts(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a (system, line), means over seeds: drift and oscillation of both energies, and what left its bounds."""
    by_line = cast(Any, rows).groupby(["system", "line"])  # all lines at once, for speed
    found = by_line[list(_DRIFTS)].mean().assign(cell_ids=by_line["cell_id"].agg(";".join))
    found = found.loc[by_line["energy_horizon"].count() > 0]
    order = [place for place in product(select.systems(rows), select.lines(rows)) if place in found.index]
    return found.reindex(order).reset_index()[["system", "line", "cell_ids", *_DRIFTS]]


def _exhibits(rows: pd.DataFrame, protocol: str, out: Path, suffix: str) -> list[Exhibit]:
    points, left_out = _shown(rows)
    steady = drifts(rows)
    figure = draw(points)
    pictures = saving.save(figure, out, stem("energy", suffix))
    title = f"Energy over long rollouts, protocol {protocol}"
    caption = (
        "Change of the true H along free rollouts from true starts that were not trained on, median over the "
        f"starts; mean over seeds, band from the least to the largest. The growth exponent a is that of t^a from "
        f"t = {SETTLED:g} on: 0 for an energy that stays bounded, 1 for a steady drift. Errors below "
        f"{ROUNDING:g}, which are rounding, are left out.{select.room(left_out)}"
    )
    tabled = Table(title, caption, HEADINGS, table(points), words=2)
    texts = tabled.publish(out, stem("energy", suffix), points, ids(points))
    curved = replace(texts, files=(*pictures, *texts.files))
    return [curved] if steady.empty else [curved, _drift_exhibit(steady, protocol, out, suffix)]


def _drift_exhibit(steady: pd.DataFrame, protocol: str, out: Path, suffix: str) -> Exhibit:
    caption = (
        "Drift is the slope of the straight line through H against time, amplitude half the range of H about it, "
        "medians over the rollouts that lasted, means over seeds; the learned H along the same rollouts moves by the "
        "integrator's part alone. Escapes are the share of the rollouts that left ten times the true region or could "
        "not go on."
    )
    lines = [[prose(row["system"]), row["line"], *(plain(row[name]) for name in _DRIFTS)] for row in records(steady)]
    title = f"Energy drift over long rollouts, protocol {protocol}"
    tabled = Table(title, caption, ("system", "model", *_DRIFTS.values()), lines, words=2)
    return tabled.publish(out, stem("energy_drift", suffix), steady, ids(steady))
