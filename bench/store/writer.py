"""The one writer of a store."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from bench.schema import SCHEMA, complete
from bench.store.files import (
    StoreError,
    check_usable,
    footer_is_whole,
    journal_rows,
    journals,
    parts,
    read_part,
    replace_file,
    set_aside,
    write_marker,
    write_part,
)
from bench.store.lock import lock

ROWS_A_PART = 100
LARGE_PART = 10_000  # rows; what has so many is not written again
SMALL_PARTS = 20  # what a run leaves as they are

State = frozenset[tuple[str, int]]


def state(folder: Path) -> State:
    """The files of rows and their sizes: as long as they stay, so do the rows."""
    return frozenset((path.name, path.stat().st_size) for path in (*parts(folder), *journals(folder)))


class Store:
    """The one writer of a store."""

    def __init__(self, folder: Path, run_id: str, since: State | None = None):
        """Open or make a store; sets damaged files aside. Raises StoreError, having written nothing.

        `since` is the state that the caller made its plans on; if the store is in another one, it is refused.
        """
        self.folder, self.run_id = folder, run_id
        check_usable(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = lock(folder)
            if since is not None and since != state(folder):
                self._lock.close()
                raise StoreError(f"another run wrote to {folder} while this one was planned: start it again")
            write_marker(folder)
            self.set_aside = [set_aside(path) for path in parts(folder) if not footer_is_whole(path)]
            self._seal()
            self._journal = self._open_journal()
        except OSError as error:
            raise StoreError(f"{folder} cannot be written: {error.strerror}") from error
        self._pending = 0

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write_provenance(self, record: dict) -> None:
        replace_file(self.folder / "runs" / f"{self.run_id}.json", json.dumps(record, indent=1).encode())

    def append(self, *rows: dict) -> None:
        """Make rows durable: when this returns, they are on the disk. Raises UnknownColumn, StoreError."""
        self._write("".join(json.dumps(complete({**row, "run_id": self.run_id})) + "\n" for row in rows))
        self._pending += len(rows)
        if self._pending >= ROWS_A_PART:
            self._journal.close()
            self._seal()
            self._journal = self._open_journal()

    def _write(self, lines: str) -> None:
        try:
            self._journal.write(lines)
            self._journal.flush()
            os.fsync(self._journal.fileno())
        except OSError as error:
            told = f"{self.folder} cannot be written any more: {error.strerror}; what was done before is kept"
            raise StoreError(told) from error

    def _open_journal(self) -> TextIO:
        return (self.folder / f"journal-{self.run_id}.jsonl").open("a", encoding="utf-8")

    def _seal(self) -> None:
        """Turn all journals into one Parquet file; a crash in between leaves rows twice, never none."""
        old = journals(self.folder)
        if rows := [row for journal in old for row in journal_rows(journal)]:
            write_part(self.folder, pa.Table.from_pylist(rows, schema=SCHEMA))
        for journal in old:
            journal.unlink()
        self._pending = 0

    def close(self) -> None:
        with self._lock, suppress(OSError):  # a full disk: the journal stays, and the next writer goes on with it
            self._journal.close()
            self._seal()
            compact(self.folder, SMALL_PARTS)


def compact(folder: Path, kept: int = 1, *, everything: bool = False) -> None:
    """Join the small Parquet files of a store that is locked, if there are more than `kept`; or write all anew."""
    small = [path for path in parts(folder) if everything or pq.read_metadata(path).num_rows < LARGE_PART]
    batch: list[Path] = []
    tables: list[pa.Table] = []
    if len(small) <= kept:
        return
    for path in small:
        table = read_part(path)
        if isinstance(table, Exception):  # doctor's business
            continue
        batch, tables = [*batch, path], [*tables, table]
        if sum(map(len, tables)) >= LARGE_PART or path == small[-1]:
            replace_parts(folder, batch, pa.concat_tables(tables))
            batch, tables = [], []


def replace_parts(folder: Path, old: list[Path], table: pa.Table) -> None:
    """A crash in between leaves rows twice, never none."""
    write_part(folder, table)
    for path in old:
        path.unlink()
