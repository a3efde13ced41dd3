"""Energy over long rollouts: how far the true H moves along what a model predicts, against time."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import rows as select
from reports import saving, theme
from reports.bands import draw_band
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.frames import arrays, column, distinct, distinct_pairs, filled, groups, keep, narrow, records, where
from reports.layout import legend_below, line_handles, sheets
from reports.log_axes import power_ticks
from reports.long_form import long_form
from reports.material import Material
from reports.numerals import plain
from reports.scaling_points import exponent_text
from reports.statistics import Exponent, Interval, fit_exponent, mean_interval
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
_HEIGHT, _COLUMNS = 3.0, 2  # inches of a panel, and panels a row


def chapter(material: Material, out: Path) -> Chapter:
    """Writes energy.png, .pdf and .md for each protocol with long rollouts; they stand in the names, if several."""
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


def draw(points: pd.DataFrame, looks: Mapping[str, theme.Look]) -> Figure:
    """One panel a system, both axes logarithmic: mean over seeds, band from the least to the largest."""
    systems = select.systems(points)
    columns = min(_COLUMNS, len(systems))
    with theme.style():
        figure, axes = theme.panels(math.ceil(len(systems) / columns), columns, _HEIGHT)
        for axis, system in zip(axes.flat, systems, strict=False):
            _draw_panel(axis, where(points, system=system), looks)
            axis.set_title(prose(system))
        theme.hide(list(axes.flat[len(systems) :]))
        for axis in axes[:, 0]:
            axis.set_ylabel("median |H(t) - H(0)| (units of H)")
        legend_below(figure, line_handles(looks, distinct(points, "line")))
        return figure


def _draw_panel(axis: Axes, points: pd.DataFrame, looks: Mapping[str, theme.Look]) -> None:
    for (line,), own in groups(points, ["line"]):
        look = looks[line]
        draw_band(axis, _before_escapes(own), "time", "error", look, linestyle=look.dash, marker=look.marker)
    axis.set_xscale("log")
    axis.set_yscale("log")
    power_ticks(axis, "x")
    power_ticks(axis)
    axis.set_xlabel("t (units of the system's time)")
    axis.set_ylabel("")


def _before_escapes(points: pd.DataFrame) -> pd.DataFrame:
    """Up to where the error of every seed is finite: a mean over those that are left would speak for all."""
    escaped = keep(points, np.isinf(points["error"]))
    return points if escaped.empty else keep(points, points["time"] < column(escaped, "time").min())


def growths(points: pd.DataFrame) -> dict[tuple[str, str], Interval]:
    """By (system, line): mean and t-interval over seeds of the exponents of growth; infinite if one is."""
    found: dict[tuple[str, str], list[float]] = {}
    for (system, line, _), own in arrays(points, ["system", "line", "seed"], ["time", "error"]).items():
        found.setdefault((system, line), []).append(growth(own["time"], own["error"]))
    return {key: over_seeds(exponents) for key, exponents in found.items()}


def growth(time: np.ndarray, error: np.ndarray) -> float:
    """The exponent a of error ~ t^a from SETTLED on, by least squares: 0 is bounded, 1 a steady drift.

    Infinite where the error is.
    """
    late = (time >= SETTLED) & (error > ROUNDING)
    if np.isinf(error[late]).any():
        return math.inf
    fit = fit_exponent(time[late], error[late]) if late.sum() >= 3 else None
    return fit.slope if fit else math.nan


def over_seeds(values: list[float]) -> Interval:
    """Mean and t-interval; an infinite mean has none."""
    if math.inf in values:
        return Interval(math.inf, math.nan, math.nan, len(values))
    return mean_interval(values)


def mean_over_seeds(points: pd.DataFrame) -> pd.DataFrame:
    """One row a (system, line, time) with the mean `error`, in the order of time: of all lines at once, for speed."""
    return cast(Any, points).groupby(["system", "line", "time"], sort=True, as_index=False)["error"].mean()


HEADINGS = ("system", "model", f"at t = {SETTLED:g}", "last t", "at last t", "largest", "growth exponent", "seeds")


def table(points: pd.DataFrame) -> list[list[str]]:
    """Each line's error at the ends of the long rollout, and how it grows, under HEADINGS; means over seeds."""
    cells, means, exponents = [], mean_over_seeds(points), growths(points)
    counts = cast(Any, points).groupby(["system", "line"])["seed"].nunique()
    for system in select.systems(points):
        for (line,), curve in groups(where(means, system=system), ["line"]):
            errors = column(curve, "error").tolist()
            settled = keep(curve, curve["time"] >= SETTLED)["error"].tolist()
            end = plain(column(curve, "time").max(), 4)
            ends = [plain(settled[0] if settled else None), end, plain(errors[-1]), plain(max(errors))]
            grown = interval_text(exponents[system, line])
            cells.append([prose(system), line, *ends, grown, str(counts[system, line])])
    return cells


def interval_text(found: Interval) -> str:
    """'0.98 ± 0.03'."""
    return exponent_text(None if math.isnan(found.mean) else Exponent(found.mean, found.low, found.high, found.count))


def drifts(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a (system, line), means over seeds: drift and oscillation of both energies, and what left its bounds."""
    by_line = cast(Any, rows).groupby(["system", "line"])  # all lines at once, for speed
    found = by_line[list(_DRIFTS)].mean()
    found = found.assign(seeds=by_line["seed"].nunique(), cell_ids=by_line["cell_id"].agg(";".join))
    found = found.loc[
        by_line[["energy_horizon", "long_escape_share"]].count().any(axis=1)
    ]  # no horizon if none lasts
    order = [place for place in product(select.systems(rows), select.lines(rows)) if place in found.index]
    return found.reindex(order).reset_index()[["system", "line", "cell_ids", "seeds", *_DRIFTS]]


def _exhibits(rows: pd.DataFrame, protocol: str, out: Path, suffix: str) -> list[Exhibit]:
    points, left_out = _shown(rows)
    steady = drifts(rows)
    title, name = f"Energy over long rollouts, protocol {protocol}", stem("energy", suffix)
    caption = (
        "Change of the true H along free rollouts from true starts that were not trained on, median over the "
        "starts; mean over seeds, band from the least to the largest. It is infinite, and a line ends, where more "
        "than half of the rollouts of a seed have escaped. The growth exponent a is that of t^a from "
        f"t = {SETTLED:g} on, least squares in log-log for each seed, mean over seeds ± half width of the 95 % "
        "t-interval: 0 for an energy that stays bounded, 1 for a steady drift. Errors below "
        f"{ROUNDING:g}, which are rounding, are left out.{select.room(left_out)}"
    )
    tabled = Table(title, caption, HEADINGS, table(points), words=2)
    texts = tabled.publish(out, name, points, ids(points))
    first, *others = _pictures(points, title, caption, out, name)
    curved = [replace(texts, files=(*first.files, *texts.files)), *others]
    return curved if steady.empty else [*curved, _drift_exhibit(steady, protocol, out, suffix)]


def _pictures(points: pd.DataFrame, title: str, caption: str, out: Path, name: str) -> Iterator[Exhibit]:
    looks = theme.line_looks(sorted(distinct_pairs(points, "model", "line")))
    for sheet in sheets(select.systems(points), _HEIGHT, _COLUMNS):
        own = keep(points, points["system"].isin(sheet.entries))
        files = saving.save(draw(own, looks), out, stem(name, sheet.suffix))
        yield Exhibit(title + sheet.words, caption, files, cells=ids(own))


def _drift_exhibit(steady: pd.DataFrame, protocol: str, out: Path, suffix: str) -> Exhibit:
    caption = (
        "Drift is the slope of the straight line through H against time, amplitude half the range of H about it, "
        "medians over the rollouts that lasted, means over the seeds in which any did; the learned H along the same "
        "rollouts moves by the integrator's part alone. Escapes are the share of the rollouts that left ten times "
        "the true region or could not go on."
    )
    lines = [
        [prose(row["system"]), row["line"], *(plain(row[name]) for name in _DRIFTS), str(row["seeds"])]
        for row in records(steady)
    ]
    title = f"Energy drift over long rollouts, protocol {protocol}"
    tabled = Table(title, caption, ("system", "model", *_DRIFTS.values(), "seeds"), lines, words=2)
    return tabled.publish(out, stem("energy_drift", suffix), steady, ids(steady))
