"""What rows of older schemas mean today. Columns that a version lacks are null before any of this."""

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from bench.schema import VERSION

NEEDS = {"preset": ("model",)}  # columns that the new value of another depends on


def needed(columns: Sequence[str]) -> list[str]:
    """The columns to be read, so that these can be migrated."""
    extra = (name for column in columns for name in NEEDS.get(column, ()))
    return list(dict.fromkeys([*columns, *extra, "schema_version"]))


def migrated(table: pa.Table, version: int) -> pa.Table:
    """The rows as this version would have written them; `version` is that of rows that do not say theirs."""
    versions = pc.fill_null(table["schema_version"], version)
    for older, step in STEPS.items():
        rows = pc.less_equal(versions, older)
        if pc.any(rows).as_py():
            table = step(table, rows)
    return _with(table, "schema_version", pa.repeat(pa.scalar(VERSION, pa.int64()), len(table)))


def to_2(table: pa.Table, rows: pa.ChunkedArray) -> pa.Table:
    """Presets and compiled gradient modes are new: nets had the size of their source, and ran as they were.

    Within version 1 the unit of `solver_residual` changed without saying so.
    """
    if "preset" in table.column_names:
        learned = pc.invert(pc.is_in(table["model"], pa.array(["constant", "true_h"])))
        plain = pc.and_(pc.and_(rows, pc.fill_null(learned, False)), pc.is_null(table["preset"]))
        table = _with(table, "preset", pc.if_else(plain, "paper", table["preset"]))
    table = _put(table, "compiled", rows, False)
    return _put(table, "solver_residual", rows, None)


def to_3(table: pa.Table, rows: pa.ChunkedArray) -> pa.Table:
    """`rollout_error` was over all starts together, and is the median over them: another figure."""
    return _put(table, "rollout_error", rows, None)


STEPS: dict[int, Callable[[pa.Table, pa.ChunkedArray], pa.Table]] = {1: to_2, 2: to_3}


def _put(table: pa.Table, name: str, rows: pa.ChunkedArray, value: object) -> pa.Table:
    """The value in a column of these rows, if the table has the column."""
    if name not in table.column_names:
        return table
    kind = table.schema.field(name).type
    return _with(table, name, pc.if_else(rows, pa.scalar(value, kind), table[name]))


def _with(table: pa.Table, name: str, values: pa.ChunkedArray | pa.Array) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.schema.field(index), values)
