"""What rows of older schemas mean today. Columns that a version lacks are null before any of this."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from pyarrow.compute import call_function

from bench.schema import VERSION

NEEDS = {"preset": ("model",), "rollout_error": ("data",)}  # columns that the new value of another depends on


def needed(columns: Sequence[str]) -> list[str]:
    """The columns to be read, so that these can be migrated."""
    extra = (name for column in columns for name in NEEDS.get(column, ()))
    return list(dict.fromkeys([*columns, *extra, "schema_version"]))


def migrated(table: pa.Table, version: int) -> pa.Table:
    """The rows as this version would have written them; `version` is that of rows that do not say theirs."""
    versions = table["schema_version"].fill_null(version).to_numpy()
    for older, step in STEPS.items():
        if (versions <= older).any():
            table = step(table, versions <= older)
    return _with(table, "schema_version", pa.repeat(pa.scalar(VERSION, pa.int64()), len(table)))


def to_2(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """Presets and compiled gradient modes are new: nets had the size of their source, and ran as they were.

    Within version 1 the unit of `solver_residual` changed without saying so.
    """
    if "preset" in table.column_names:
        learned = [model not in (None, "constant", "true_h") for model in table["model"].to_pylist()]
        table = _put(table, "preset", rows & learned, "paper")
    table = _put(table, "compiled", rows, False)
    return _put(table, "solver_residual", rows, None)


def to_3(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """`rollout_error` was over all starts together, and is the median over them: another figure."""
    return _put(table, "rollout_error", rows, None)


def to_4(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """Of own data, `rollout_error` counted rollouts that escape, and is over the others: another figure."""
    if "rollout_error" not in table.column_names:
        return table
    return _put(table, "rollout_error", rows & table["data"].is_valid().to_numpy(), None)


STEPS: dict[int, Callable[[pa.Table, np.ndarray], pa.Table]] = {1: to_2, 2: to_3, 3: to_4}


def _put(table: pa.Table, name: str, rows: np.ndarray, value: object) -> pa.Table:
    """The value in a column of these rows, if the table has the column."""
    if name not in table.column_names:
        return table
    new = pa.scalar(value, table.schema.field(name).type)
    return _with(table, name, call_function("if_else", [pa.array(rows), new, table[name]]))


def _with(table: pa.Table, name: str, values: pa.ChunkedArray | pa.Array) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.schema.field(index), values)
