"""Rows as a reader of the report meets them: cells.csv, and the data that the HTML page sorts and filters."""

import math
from pathlib import Path

import pandas as pd

from bench.schema import COLUMNS, SCHEMA
from reports import leaderboard, rerun, theme
from reports.exhibit import write_csv
from reports.frames import column, distinct, filled, groups, is_null, ordered, otherwise, records, varies
from reports.provenance import Run

_LISTS = {name for name in COLUMNS if str(SCHEMA.field(name).type).startswith("list")}
_NOT_IN_CSV = _LISTS | {"traceback", "schema_version", "worker"}
_VARIANTS = ("preset", "recipe", "integrator", "start_guess", "net", "batch_size", "step_size", "dtype", "device")
FACETS = {
    "system": "System",
    "model": "Model",
    "gradient_mode": "Gradient mode",
    "seq_len": "N",
    "protocol": "Protocol",
}
_DIGITS = 4


def csv(frame: pd.DataFrame, runs: list[Run], out: Path) -> Path:
    """Writes cells.csv: every row, the columns that any has a value in, and the command that runs it again."""
    columns = [name for name in COLUMNS if name not in _NOT_IN_CSV and filled(frame, name)]
    rows = ordered(frame, ["kind", "system", "model", "seed", "cell_id"])
    table = rows[columns].assign(rerun=rerun.commands(rows, runs))
    return write_csv(out / "cells.csv", table)


def board(prepared: pd.DataFrame, runs: list[Run]) -> dict:
    """The leaderboard as plain JSON values: `entries` with their cells, numbers in the order of `metrics`."""
    table = leaderboard.entries(prepared)
    shown = leaderboard.measured_metrics(table)
    places = {run.run_id: place for place, run in enumerate(runs)}
    numbers = [[_number(value) for value in column(prepared, metric.column)] for metric in shown]
    identity = zip(prepared["cell_id"], prepared["seed"], prepared["run_id"], strict=True)
    cells = [
        [cell, int(seed), places.get(run, -1), [own[place] for own in numbers]]
        for place, (cell, seed, run) in enumerate(identity)
    ]
    varying = {
        model: [name for name in _VARIANTS if name == "recipe" or varies(own, name)]
        for (model,), own in groups(table, ["model"])
    }
    return {
        "metrics": [{"label": metric.label, "unit": metric.unit, "column": metric.column} for metric in shown],
        "facets": {name: _options(table, name) for name in FACETS},
        "entries": [_entry(entry, shown, varying[entry["model"]], cells) for entry in records(table)],
        "commands": _commands(runs),
    }


def failures(frame: pd.DataFrame, runs: list[Run]) -> dict:
    """The rows that are not ok, as plain JSON values; equal tracebacks stand once."""
    rows = ordered(otherwise(frame, "status", "ok"), ["status", "reason", "system", "model", "seed", "cell_id"])
    tracebacks = {text: place for place, text in enumerate(distinct(rows, "traceback"))}
    places = {run.run_id: place for place, run in enumerate(runs)}
    return {
        "tracebacks": list(tracebacks),
        "statuses": sorted(distinct(rows, "status")),
        "rows": [
            {
                "status": row["status"], "system": row["system"], "model": row["model"],
                "variant": _variant(row, ("kind", "gradient_mode", "recipe", "seq_len", "seed")),
                "reason": _text(row["reason"]), "phase": _text(row["phase"]), "exception": _text(row["exception"]),
                "traceback": tracebacks.get(row["traceback"], -1), "cell": row["cell_id"],
                "run": places.get(row["run_id"], -1),
            }
            for row in records(rows)
        ],
        "commands": _commands(runs),
    }  # fmt: skip


def _entry(entry: dict, shown: list, varying: list[str], cells: list) -> dict:
    return {
        **{name: _text(entry[name]) for name in FACETS},
        "variant": _variant(entry, varying),
        "colour": _hex(theme.model_look(entry["model"]).colour),
        "values": [_summary(entry, metric.column) for metric in shown],
        "cells": [cells[place] for place in entry["places"]],
    }


def _summary(entry: dict, name: str) -> list:
    """Mean, half width of its interval, seeds."""
    return [_number(entry[f"{name}_mean"]), _number(entry[f"{name}_half"]), int(entry[f"{name}_seeds"])]


def _commands(runs: list[Run]) -> list[str]:
    """The command of each run's cells, with {} in place of a cell's id."""
    return [rerun.command("CELL", run).replace("CELL", "{}") for run in runs]


def _variant(row: dict, names) -> str:
    forms = {"seq_len": "N={}", "seed": "seed {}", "batch_size": "B={}", "step_size": "h={:g}"}
    return ", ".join(forms.get(name, "{}").format(row[name]) for name in names if not is_null(row[name]))


def _options(table: pd.DataFrame, name: str) -> list[str]:
    return [_text(value) for value in sorted(distinct(table, name))]


def _text(value: object) -> str:
    return "" if is_null(value) else str(value)


def _number(value: float) -> float | str | None:
    """A number that JSON has a place for: null for NaN, a word for infinity."""
    if math.isfinite(value):
        return float(f"{value:.{_DIGITS}g}")
    return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _hex(colour: theme.Colour) -> str:
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in colour)
