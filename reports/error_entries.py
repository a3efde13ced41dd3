"""The numbers of the error table: mean |H_pred - H_true| by system, line and test set, with intervals."""

import math

import pandas as pd

from bench.schema import TEST_SETS
from reports import rows as select
from reports.frames import Values, arrays, distinct, narrow, otherwise, records, where
from reports.published import Published
from reports.significance import Comparison, compare, holm, sign
from reports.statistics import mean_interval

_LINE_COLUMNS = ("model", "recipe", *select.VARIANTS)


def measured(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a (system, line, test set): what the line is, `mean`, `low`, `high`, `seeds`, `cell_ids`.

    `low` and `high` bound the 95 % t-interval over seeds, NaN with one seed; `seeds` is their number;
    `cell_ids` are joined by ';'. `rows` are training rows of one protocol with a column `line`. Only ok rows
    enter; a combination without any has 0 seeds, a line of which every row is skipped no entries. Raises ValueError
    if there is more than one protocol.
    """
    if len(select.protocols(rows)) > 1:
        raise ValueError(f"rows of different protocols are never averaged: {', '.join(select.protocols(rows))}")
    found, lines = by_line(rows), select.lines(otherwise(rows, "status", "skipped"))  # of presets that a model lacks
    identities = {(row["system"], row["line"]): row for row in records(_identities(rows))}
    return pd.DataFrame(
        [
            {"system": system, "line": line, "test_set": test_set, "source": "measured"}
            | _line_identity(identities.get((system, line)), line)
            | _average(found.get((system, line), {}), f"h_mae_{test_set}")
            for system in select.systems(rows)
            for line in lines
            for test_set in TEST_SETS
        ]
    )


def by_line(rows: pd.DataFrame) -> dict[tuple, Values]:
    """The values of the ok rows by (system, line)."""
    entering = select.ok(rows)
    return arrays(entering, ["system", "line"], ["seed", "cell_id", *(f"h_mae_{name}" for name in TEST_SETS)])


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


def with_signs(entries: pd.DataFrame, rows: pd.DataFrame, reference: str | None) -> pd.DataFrame:
    """Adds how each trained line compares with the line `reference`, by `significance.METHOD` over all of them.

    `ratio` of the errors (geometric mean over common seeds) with `ratio_low` and `ratio_high`, `p_holm`, `pairs`, and
    `sign`, see `significance.sign`. `rows` are those of `measured`. NaN and '' for the reference itself, models that
    need no training, and where there is no reference.
    """
    values = by_line(rows)
    found = [_against(reference, entry, values) for entry in records(entries)]
    adjusted = holm([comparison.p for comparison in found])
    return entries.assign(
        ratio=[comparison.ratio for comparison in found],
        ratio_low=[comparison.low for comparison in found],
        ratio_high=[comparison.high for comparison in found],
        p_holm=adjusted,
        pairs=[comparison.pairs for comparison in found],
        sign=[sign(comparison, p) for comparison, p in zip(found, adjusted, strict=True)],
    )


def _against(reference: str | None, entry: dict, rows: dict[tuple, Values]) -> Comparison:
    own, other = rows.get((entry["system"], entry["line"])), rows.get((entry["system"], reference))
    alone = entry["line"] == reference or entry["line"] in select.REFERENCES
    if alone or own is None or other is None:
        return compare({}, {})
    column = f"h_mae_{entry['test_set']}"
    return compare(_by_seed(own, column), _by_seed(other, column))


def reference_line(rows: pd.DataFrame, table: Published) -> str | None:
    """The line of the paper's own method by its own recipe, if there is exactly one."""
    lines = distinct(where(rows, model=table.own_model, recipe=table.own_recipe), "line")
    return lines[0] if len(lines) == 1 else None


def _by_seed(rows: Values, column: str) -> dict[int, float]:
    """The value of each seed."""
    return dict(zip(rows["seed"], rows[column], strict=True))


def _average(rows: Values, column: str) -> dict:
    # A reference is the same model under every recipe; its seeds, not its rows, are the sample.
    of_seed: dict[int, list[float]] = {}
    cells = []
    for seed, value, cell in zip(*(rows.get(name, ()) for name in ("seed", column, "cell_id")), strict=True):
        if not math.isnan(value):
            of_seed.setdefault(seed, []).append(value)
            cells.append(cell)
    interval = mean_interval(sum(values) / len(values) for values in of_seed.values())
    return {
        "mean": interval.mean,
        "low": interval.low,
        "high": interval.high,
        "seeds": interval.count,
        "cell_ids": ";".join(sorted(cells)),
    }


def _identities(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a (system, line)."""
    return narrow(rows, ["system", "line", *_LINE_COLUMNS]).drop_duplicates(["system", "line"], keep="last")


def _line_identity(row: dict | None, line: str) -> dict:
    if line in select.REFERENCES:
        return {column: (line if column == "model" else None) for column in _LINE_COLUMNS}
    return {column: row and row[column] for column in _LINE_COLUMNS}
