"""The numbers of the error table: mean |H_pred - H_true| by system, line and test set, with intervals."""

import pandas as pd

from bench.schema import TEST_SETS
from reports import rows as select
from reports.frames import groups, mean, records, where
from reports.published import Published
from reports.statistics import mean_interval

_LINE_COLUMNS = ("model", "recipe", *select.VARIANTS)


def measured(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a (system, line, test set): what the line is, `mean`, `low`, `high`, `seeds`, `cell_ids`.

    `low` and `high` bound the 95 % t-interval over seeds, NaN with one seed; `seeds` is their number;
    `cell_ids` are joined by ';'. `rows` are training rows of one protocol with a column `line`. Only ok rows
    enter; a combination without any has 0 seeds. Raises ValueError if there is more than one protocol.
    """
    if len(select.protocols(rows)) > 1:
        raise ValueError(f"rows of different protocols are never averaged: {', '.join(select.protocols(rows))}")
    return pd.DataFrame(
        [
            _entry(where(rows, system=system, line=line), system, line, test_set)
            for system in select.systems(rows)
            for line in select.lines(rows)
            for test_set in TEST_SETS
        ]
    )


def published(systems: list[str], table: Published) -> pd.DataFrame:
    """One row a (system, method, test set): `mean`, the same as printed (`quoted`), and `spread`."""
    return pd.DataFrame(
        [
            {
                "system": system,
                "line": method,
                "test_set": test_set,
                "source": table.source,
                "mean": table.mean(system, test_set, method),
                "quoted": table.quoted(system, test_set, method),
                "spread": table.spread(system, test_set, method),
            }
            for system in systems
            if system in table.systems
            for method in table.methods
            for test_set in TEST_SETS
        ],
        columns=["system", "line", "test_set", "source", "mean", "quoted", "spread"],
    )


def with_marks(entries: pd.DataFrame, protocol: str, table: Published) -> pd.DataFrame:
    """Adds two marks, true only for trained models: `no_better_than_constant` and `at_or_below_paper`.

    The first: its mean is not below the constant predictor's. The second: not above that of the paper's own
    method, under a protocol whose figures compare with the paper's.
    """
    constant = where(entries, line="constant").set_index(["system", "test_set"])["mean"]
    keys = list(zip(entries["system"], entries["test_set"], strict=True))
    trained = ~entries["model"].isin(select.REFERENCES)
    paper = pd.Series([table.mean(*key, table.own_method) for key in keys], index=entries.index)
    return entries.assign(
        no_better_than_constant=trained & (entries["mean"] >= constant.reindex(keys).to_numpy()),
        at_or_below_paper=trained & (entries["mean"] <= paper) & (protocol in table.comparable_protocols),
    )


def _entry(rows: pd.DataFrame, system: str, line: str, test_set: str) -> dict:
    column = f"h_mae_{test_set}"
    values = select.ok(rows).dropna(subset=[column])
    # A reference is the same model under every recipe; its seeds, not its rows, are the sample.
    interval = mean_interval(mean(own, column) for _, own in groups(values, ["seed"]))
    return {
        "system": system,
        "line": line,
        "test_set": test_set,
        "source": "measured",
        **_line_identity(rows, line),
        "mean": interval.mean,
        "low": interval.low,
        "high": interval.high,
        "seeds": interval.count,
        "cell_ids": ";".join(sorted(values["cell_id"])),
    }


def _line_identity(rows: pd.DataFrame, line: str) -> dict:
    if line in select.REFERENCES:
        return {column: (line if column == "model" else None) for column in _LINE_COLUMNS}
    if rows.empty:
        return {column: None for column in _LINE_COLUMNS}
    first = records(rows)[0]
    return {column: first[column] for column in _LINE_COLUMNS}
