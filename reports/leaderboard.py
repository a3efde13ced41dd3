"""Every measured number, ranked: one entry a (model in all its variants, system, protocol), seeds averaged."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy import stats

from bench.schema import TEST_SETS
from reports import rows as select
from reports.frames import column, narrow
from reports.statistics import CONFIDENCE
from reports.theme import COMPILED

IDENTITY = (
    "system", "model", "preset", "recipe", "gradient_mode", "integrator", "start_guess", "seq_len", "net",
    "batch_size", "step_size", "protocol", "dtype", "device",
)  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """A column that entries are ranked by, the least first, and how people read it."""

    column: str
    label: str
    unit: str
    scale: float = 1.0  # of the column's unit in the shown one


_SETS = {"ru": "RU", "sg": "SG", "gaussian": "Gaussian"}
METRICS = (
    *(Metric(f"h_mae_{name}", f"Error of H, {_SETS[name]}", "H") for name in TEST_SETS),
    *(Metric(f"field_error_{name}", f"Error of the field, {_SETS[name]}", "relative") for name in TEST_SETS),
    Metric("rollout_error", "Error of free rollouts", "relative"),
    Metric("energy_error", "Largest change of energy, long rollouts", "H"),
    Metric("train_s", "Training time", "s"),
    Metric("iteration_s", "Time of one iteration", "ms", 1e3),
    Metric("peak_bytes", "Peak memory of one iteration", "MiB", 2.0**-20),
    Metric("gradient_rel_error", "Error of the gradient", "relative"),
)


_NEEDED = list(dict.fromkeys([
    *IDENTITY, "kind", "compiled", "seed", "status", "cell_id", "run_id", "started_at", "noise", "train_starts",
    "protocol_content", "recipe_content", "data", "energy_error_curve", "long_escape_share",
    *(metric.column for metric in METRICS if metric.column != "energy_error"),
]))  # fmt: skip


def prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """The ok rows, the newest of each cell, with every metric in its shown unit and compiled modes named so."""
    rows, _ = select.newest_of_each_cell(select.ok(narrow(frame, _NEEDED)))
    compiled = rows["compiled"].fillna(False).astype(bool) & rows["gradient_mode"].notna()
    shown = {metric.column: _values(rows, metric) for metric in METRICS}
    modes = rows["gradient_mode"].where(~compiled, rows["gradient_mode"] + COMPILED)
    whole = {name: rows[name].astype("Int64") for name in ("seq_len", "batch_size")}
    return rows.assign(gradient_mode=modes, **whole, **shown)


def entries(prepared: pd.DataFrame) -> pd.DataFrame:
    """One row an IDENTITY: for each metric its `_mean`, `_half` (of the 95 % t-interval over seeds) and `_seeds`.

    `places` are the positions of its rows in `prepared`. A mean over an infinite value is infinite, without interval.
    """
    if prepared.empty:
        return pd.DataFrame(columns=[*IDENTITY, "places"])
    columns = [metric.column for metric in METRICS]
    grouped = cast(Any, prepared.groupby(list(IDENTITY), dropna=False, sort=True))
    with np.errstate(invalid="ignore"):
        means, deviations, counts = grouped[columns].mean(), grouped[columns].std(ddof=1), grouped[columns].count()
    factors = stats.t.ppf((1 + CONFIDENCE) / 2, np.maximum(counts.to_numpy() - 1, 1))
    halves = factors * deviations / np.sqrt(counts)
    parts = [means.add_suffix("_mean"), halves.add_suffix("_half"), counts.add_suffix("_seeds")]
    table = pd.concat(parts, axis=1).reset_index()
    return table.assign(places=_places(grouped.ngroup().to_numpy()))


def _places(numbers: np.ndarray) -> list[np.ndarray]:
    """For each group the positions of its members, given the number of each one's group."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.cumsum(np.bincount(numbers))[:-1])


def _values(rows: pd.DataFrame, metric: Metric) -> pd.Series:
    if metric.column == "energy_error":
        return pd.Series(largest_changes(rows), index=rows.index, dtype=float)
    return column(rows, metric.column).astype(float) * metric.scale


def largest_changes(rows: pd.DataFrame) -> list[float]:
    """The largest value of each row's energy error curve: NaN without any or if one is, infinite for what escapes."""
    shares = column(rows, "long_escape_share").astype(float)
    return [_largest(*entry) for entry in zip(rows["energy_error_curve"], shares, strict=True)]


def _largest(curve: object, escaped: float) -> float:
    values = select.numbers(curve)
    if escaped > 0.5:  # of the rollouts; rows of earlier code hold no times after half have ended
        return np.inf
    return float(np.max(values)) if values.size else np.nan


def measured_metrics(table: pd.DataFrame) -> list[Metric]:
    """The metrics that any entry has."""
    return [metric for metric in METRICS if (table.reindex(columns=[f"{metric.column}_seeds"]) > 0).any(axis=None)]
