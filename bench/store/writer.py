"""The one writer of a store."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from bench.schema import SCHEMA, complete
from bench.store.files import (
    JOURNALS,
    PARTS,
    check_usable,
    footer_is_whole,
    journal_table,
    metadata,
    place_of,
    read_part,
    write_marker,
    write_part,
    write_sealed,
)
from bench.store.place import Place, StoreError
from bench.store.studies import write_study

ROWS_A_PART = 100
BYTES_A_PART = 4 << 20  # of the journal, which a bucket gets anew with every row
ROWS_A_GROUP = 500  # at least, in memory at once where files are joined: whole files
LARGE_PART = 10_000  # rows; what has so many is not written again
SMALL_PARTS = 20  # what a run leaves as they are

State = frozenset[tuple[str, int]]


def state(store: str | Path | Place) -> State:
    """The files of rows and their sizes: as long as they stay, so do the rows."""
    place = place_of(store)
    return frozenset((place.sizes(PARTS) | place.sizes(JOURNALS)).items())


class Store:
    """The one writer of a store."""

    def __init__(self, store: str | Path | Place, run_id: str, since: State | None = None):
        """Open or make a store; sets damaged files aside. Raises StoreError, having written nothing.

        `since` is the state that the caller made its plans on; if the store is in another one, it is refused.
        """
        self.place, self.run_id = place_of(store), run_id
        check_usable(self.place)
        self._lock = self.place.lock()
        try:
            if since is not None and since != state(self.place):
                raise StoreError(f"another run wrote to {self.place} while this one was planned: start it again")
            with self._told("cannot be written: {}"):
                write_marker(self.place)
                damaged = [name for name in self.place.names(PARTS) if not footer_is_whole(self.place, name)]
                self.set_aside = [self.place.set_aside(name) for name in damaged]
                seal(self.place)
        except BaseException:
            self._lock.close()
            raise
        self._journal = self.place.journal(f"journal-{run_id}.jsonl")
        self._rows: list[dict] = []  # of the journal
        self._bytes = 0

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write_provenance(self, record: dict) -> None:
        """Raises StoreError."""
        with self._told():
            self.place.replace(f"runs/{self.run_id}.json", json.dumps(record, indent=1).encode())

    def write_study(self, study: str, rows: Iterable[dict]) -> str:
        """Replace the table of a study by these rows; returns the file. Raises StoreError."""
        own = [{**row, "run_id": self.run_id} for row in rows]
        self._lock.check()
        with self._told():
            return self.place.at(write_study(self.place, study, own))

    def append(self, *rows: dict) -> None:
        """Make rows durable: when this returns, a crash loses none of them. Raises UnknownColumn, StoreError."""
        whole = [complete({**row, "run_id": self.run_id}) for row in rows]
        lines = "".join(json.dumps(row) + "\n" for row in whole).encode()
        self._lock.check()
        with self._told():
            self._journal.append(lines)
            self._rows += whole
            self._bytes += len(lines)
            if len(self._rows) >= ROWS_A_PART or self._bytes >= BYTES_A_PART:
                self._seal()

    def _seal(self) -> None:
        """Turn the journal into a Parquet file; a crash in between leaves both, and the next writer mends that."""
        if self._rows:
            write_sealed(self.place, pa.Table.from_pylist(self._rows, schema=SCHEMA))
            self._journal.clear()
            self._rows, self._bytes = [], 0

    @contextmanager
    def _told(self, what: str = "cannot be written any more: {}; what was done before is kept") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"{self.place} {what.format(error.strerror or error)}") from error

    def close(self) -> None:
        """What cannot be written any more stays in the journal, and the next writer goes on with it."""
        with suppress(OSError, StoreError):
            self._seal()
            compact(self.place, SMALL_PARTS)
        with suppress(OSError, StoreError):
            self._lock.close()


def seal(place: Place) -> None:
    """Turn each journal that others left behind into a Parquet file."""
    for name in place.names(JOURNALS):
        rows = journal_table(place, name)
        if len(rows):
            write_sealed(place, rows)
        place.remove(name)


def compact(place: Place, kept: int = 1, *, everything: bool = False) -> None:
    """Join the small Parquet files of a store that is locked, if there are more than `kept`; or write all anew."""
    rows = {name: metadata(place, name).num_rows for name in place.names(PARTS)}
    small = [name for name, count in rows.items() if everything or count < LARGE_PART]
    if len(small) <= kept:
        return
    batch: list[str] = []
    for name in small:
        batch.append(name)
        if sum(rows[part] for part in batch) >= LARGE_PART or name == small[-1]:
            join(place, batch)
            batch = []


def join(place: Place, names: list[str]) -> None:
    """Make one Parquet file of several; a crash in between leaves rows twice, never none."""
    read: list[str] = []

    def groups() -> Iterator[pa.Table]:
        waiting = [SCHEMA.empty_table()]
        for name in names:
            table = read_part(place, name)
            if isinstance(table, Exception):  # doctor's business
                continue
            read.append(name)
            waiting.append(table)
            if sum(map(len, waiting)) >= ROWS_A_GROUP:
                yield pa.concat_tables(waiting)
                waiting = [SCHEMA.empty_table()]
        yield pa.concat_tables(waiting)

    write_part(place, groups())
    for name in read:
        place.remove(name)
