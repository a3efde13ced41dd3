"""The tables of `bench.studies`, one file each beside the rows of cells."""

import warnings
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.schema import STUDIES
from bench.store.files import DamagedFile, check_marker, place_of
from bench.store.place import Place


def file_of(study: str) -> str:
    return f"study-{study}.parquet"


def studies(store: str | Path | Place) -> dict[str, pd.DataFrame]:
    """The rows of each study that a store has, with the columns of `bench.schema.STUDIES`.

    Raises StoreError for what is no store; warns DamagedFile for each file that had to be left out.
    """
    place, found = place_of(store), {}
    check_marker(place)
    for study in studies_in(place):
        table = read_study(place, study)
        if isinstance(table, Exception):
            warnings.warn(
                f"{place.at(file_of(study))} cannot be read and is left out: {table}", DamagedFile, stacklevel=2
            )
        else:
            found[study] = table.to_pandas()
    return found


def studies_in(place: Place) -> list[str]:
    there = set(place.names(file_of("*")))
    return [study for study in sorted(STUDIES) if file_of(study) in there]


def read_study(place: Place, study: str) -> pa.Table | Exception:
    """Its table, or why it cannot be read: damaged, or of other columns than today's."""

    def table() -> pa.Table:
        with place.open(file_of(study)) as source:
            return pq.read_table(source).select(STUDIES[study].names).cast(STUDIES[study])

    try:
        return place.tried(table)
    except (pa.ArrowException, OSError, KeyError) as error:
        return error


def write_study(place: Place, study: str, rows: Iterable[dict]) -> str:
    """Replaces the study's table in a store that is locked; returns the name of the file."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=STUDIES[study]), sink, compression="zstd")
    place.replace(file_of(study), sink.getvalue())
    return file_of(study)
