"""Keeping rows: a journal that is flushed to disk row by row and becomes Parquet by the hundred.

A store is a folder: `store.json` marks it, `runs/<run_id>.json` holds provenance, `journal-*.jsonl` the newest
rows, `part-*.parquet` the others, `damaged/` what could not be read. Rows are keyed by (cell_id, attempt), so
a row that stands in two files counts once.
"""

import fcntl
import json
import os
import socket
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.schema import SCHEMA, VERSION, complete

MARKER = "store.json"
ROWS_A_PART = 100


class StoreError(ValueError):
    """The folder is not a store, or cannot be used as one."""


class DamagedFile(UserWarning):
    """A file of the store could not be read; the others were."""


def read(path: str | Path, *, attempts: bool = False) -> pd.DataFrame:
    """The rows of a store: the last attempt of each cell, or all of them with `attempts`.

    Columns and units are those of `bench.schema.SCHEMA`; what does not apply is null. Raises StoreError for a
    folder that is no store; warns DamagedFile for each file that had to be left out.
    """
    folder = Path(path)
    check_marker(folder)
    frame = pa.concat_tables([SCHEMA.empty_table(), *_tables(folder)]).to_pandas()
    frame = frame.sort_values(["started_at", "attempt"], kind="stable")
    frame = frame.drop_duplicates(["cell_id", "attempt"], keep="last")
    if not attempts:
        frame = frame.sort_values("attempt", kind="stable").drop_duplicates("cell_id", keep="last")
    return frame.sort_values(["started_at", "cell_id"], kind="stable").reset_index(drop=True)


def check_marker(folder: Path) -> None:
    """Raises StoreError unless the folder is a store that this code can read."""
    if not folder.is_dir():
        raise StoreError(f"{folder} is not a folder: nothing was ever stored there")
    try:
        version = json.loads((folder / MARKER).read_text())["schema_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder} is not a store of hamiltonian-bench: no readable {MARKER}") from error
    if version not in range(1, VERSION + 1):
        raise StoreError(f"{folder} has schema version {version}, this code reads versions up to {VERSION}")


class Store:
    """The one writer of a store."""

    def __init__(self, folder: Path, run_id: str):
        """Open or make a store; sets damaged files aside. Raises StoreError, having written nothing."""
        self.folder, self.run_id = folder, run_id
        check_usable(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            replace_file(folder / MARKER, json.dumps({"schema_version": VERSION}).encode())
            self._lock = lock(folder)
            self.set_aside = [set_aside(path) for path in damaged_parts(folder)]
            self.compact()
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

    def append(self, row: dict) -> None:
        """Make a row durable: when this returns, it is on the disk. Raises UnknownColumn."""
        line = json.dumps(complete({**row, "run_id": self.run_id}))
        self._journal.write(line + "\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())
        self._pending += 1
        if self._pending >= ROWS_A_PART:
            self._journal.close()
            self.compact()
            self._journal = self._open_journal()

    def _open_journal(self) -> TextIO:
        return (self.folder / f"journal-{self.run_id}.jsonl").open("a", encoding="utf-8")

    def compact(self) -> None:
        """Turn all journals into one Parquet file; a crash in between leaves rows twice, never none."""
        journals = sorted(self.folder.glob("journal-*.jsonl"))
        rows = [row for journal in journals for row in journal_rows(journal)]
        if rows:
            table = pa.Table.from_pylist(rows, schema=SCHEMA)
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink, compression="zstd")
            replace_file(self.folder / f"part-{uuid.uuid4().hex}.parquet", sink.getvalue().to_pybytes())
        for journal in journals:
            journal.unlink()
        self._pending = 0

    def close(self) -> None:
        self._journal.close()
        self.compact()
        self._lock.close()


def check_usable(folder: Path) -> None:
    """Raises StoreError if the folder holds something else, or cannot be written; writes nothing."""
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file, not a folder")
    if folder.is_dir() and any(not path.name.startswith(f".{MARKER}.") for path in folder.iterdir()):
        check_marker(folder)  # what is left of a run that was killed before it had a marker does no harm
    nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not nearest.is_dir():
        raise StoreError(f"{folder} cannot be written: {nearest} is a file")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise StoreError(f"{folder} cannot be written: no permission in {nearest}")


def lock(folder: Path) -> TextIO:
    """Take the store for this process, until the file is closed or the process ends. Raises StoreError."""
    file = (folder / ".lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        with file:
            raise StoreError(f"{folder} is being written by {file.read() or 'another process'}") from error
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}")
    file.flush()
    return file


def damaged_parts(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("part-*.parquet")) if isinstance(read_part(path), Exception)]


def set_aside(path: Path) -> Path:
    """Move a file that cannot be read out of the way; returns where it lies now."""
    aside = path.parent / "damaged" / path.name
    aside.parent.mkdir(exist_ok=True)
    path.replace(aside)
    return aside


def read_part(path: Path) -> pa.Table | Exception:
    """A Parquet file in the declared schema, or why it cannot be read."""
    try:
        table = pq.read_table(path)
        return pa.Table.from_arrays(
            [
                table[name].cast(SCHEMA.field(name).type)
                if name in table.column_names
                else pa.nulls(len(table), SCHEMA.field(name).type)
                for name in SCHEMA.names
            ],
            schema=SCHEMA,
        )
    except (pa.ArrowException, OSError) as error:
        return error


def journal_rows(path: Path) -> list[dict]:
    """The rows of a journal; a last line that was cut off by a crash was never reported as done, and is dropped."""
    rows = []
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:  # became Parquet after it was listed
        return []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            warnings.warn(f"{path}: line {number} is not whole and is left out", DamagedFile, stacklevel=2)
    return rows


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that readers see all of it or nothing, and it survives a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.parent / f".{path.name}.{uuid.uuid4().hex}"
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _tables(folder: Path) -> Iterator[pa.Table]:
    for path in sorted(folder.glob("journal-*.jsonl")):  # first: what becomes Parquet meanwhile is read twice
        yield pa.Table.from_pylist(journal_rows(path), schema=SCHEMA)
    for path in sorted(folder.glob("part-*.parquet")):
        table = read_part(path)
        if isinstance(table, Exception):
            warnings.warn(f"{path} cannot be read and is left out: {table}", DamagedFile, stacklevel=3)
        else:
            yield table
