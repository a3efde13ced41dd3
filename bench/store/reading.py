"""Reading a store, also while another process writes it."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from bench.schema import SCHEMA
from bench.store.files import JOURNALS, KEY, PARTS, DamagedFile, check_marker, journal_table, place_of, read_part
from bench.store.place import Place

ORDER = "started_at"


def read(store: str | Path | Place, *, attempts: bool = False, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of a store (a folder, or s3://bucket/prefix): each cell's last attempt, or all with `attempts`.

    Columns and units are those of `bench.schema.SCHEMA`, or those of them that are asked for; what does not apply is
    null. Raises StoreError for what is no store; warns DamagedFile for each file that had to be left out.
    """
    table = rows_of(place_of(store), columns)
    keys = table.select([*KEY, ORDER]).to_pandas().sort_values([ORDER, "attempt", "run_id"], kind="stable")
    keys = keys.drop_duplicates(KEY, keep="last")
    if not attempts:
        keys = keys.sort_values("attempt", kind="stable").drop_duplicates("cell_id", keep="last")
    keys = keys.sort_values([ORDER, "cell_id"], kind="stable")
    chosen = table if columns is None else table.select(list(columns))
    del table  # each column is freed as soon as pandas has it: never the whole store twice
    return chosen.to_pandas(self_destruct=True).iloc[keys.index].reset_index(drop=True)


def rows_of(place: Place, columns: Sequence[str] | None = None) -> pa.Table:
    """Every row of every file, with the columns of its key at least. Raises StoreError, warns DamagedFile."""
    check_marker(place)
    needed = None if columns is None else list(dict.fromkeys([*columns, *KEY, ORDER]))
    return pa.concat_tables([_pick(SCHEMA.empty_table(), needed), *_tables(place, needed)])


def _tables(place: Place, columns: list[str] | None) -> Iterator[pa.Table]:
    for name in place.names(JOURNALS):  # first: what becomes Parquet meanwhile is read twice
        yield _pick(journal_table(place, name), columns)
    for name in place.names(PARTS):
        table = read_part(place, name, columns)
        if isinstance(table, FileNotFoundError):  # became part of a larger one after it was listed
            yield from _tables(place, columns)
            return
        if isinstance(table, Exception):
            warnings.warn(f"{place.at(name)} cannot be read and is left out: {table}", DamagedFile, stacklevel=4)
        else:
            yield table


def _pick(table: pa.Table, columns: list[str] | None) -> pa.Table:
    return table if columns is None else table.select(columns)
