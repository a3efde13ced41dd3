"""The files of a store: what may be one, and how each is read and written."""

import hashlib
import json
import uuid
import warnings
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.schema import SCHEMA, VERSION
from bench.store.bucket import Bucket
from bench.store.folder import Folder
from bench.store.migration import migrated, needed
from bench.store.place import Place, StoreError

MARKER = "store.json"
PARTS, JOURNALS, RUNS = "part-*.parquet", "journal-*.jsonl", "runs/*.json"
KEY = ["cell_id", "attempt", "run_id"]  # of a row


class DamagedFile(UserWarning):
    """A file of the store could not be read; the others were."""


def place_of(store: str | Path | Place) -> Place:
    """From what a user names: a folder, or s3://bucket/prefix. Raises StoreError; writes nothing."""
    if isinstance(store, Place):
        return store
    scheme, separator, _ = str(store).partition("://")
    if not separator:
        return Folder(Path(store))
    if scheme != "s3":
        raise StoreError(f"{store}: a store is a folder or s3://BUCKET/PREFIX, and no {scheme}://")
    return Bucket(str(store))


def check_marker(place: Place) -> None:
    """Raises StoreError unless the place holds a store that this code can read."""
    try:
        version = json.loads(place.read(MARKER))["schema_version"]
    except StoreError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, FileNotFoundError) and not place.entries():
            raise StoreError(f"{place} is empty or not there: nothing was ever stored there") from error
        raise StoreError(f"{place} is not a store of hamiltonian-bench: no readable {MARKER}") from error
    if version not in range(1, VERSION + 1):
        raise _too_new(place, version)


def check_usable(store: str | Path | Place) -> None:
    """Raises StoreError if the place holds something else, or cannot be written; writes nothing."""
    place = place_of(store)
    place.check_writable()
    left_by_the_killed = (".lock", f".{MARKER}.")  # before they had a marker; it does no harm
    if any(not name.startswith(left_by_the_killed) for name in place.entries()):
        check_marker(place)


def read_part(place: Place, name: str, columns: list[str] | None = None) -> pa.Table | Exception:
    """A Parquet file in the declared schema, or why it cannot be read. Raises StoreError for one of a newer schema.

    A column that an older file lacks is null, one that is no more is left out; `bench.store.migration` does the rest.
    """
    names = SCHEMA.names if columns is None else needed(columns)
    wanted = pa.schema([SCHEMA.field(name) for name in names], SCHEMA.metadata)

    def table() -> pa.Table:
        with place.open(name) as source, pq.ParquetFile(source) as file:
            version = version_of(file.schema_arrow)
            if version > VERSION:
                raise _too_new(place.at(name), version)
            there = set(file.schema_arrow.names)
            table = file.read([name for name in wanted.names if name in there])
        filled = [
            table[field.name].cast(field.type) if field.name in there else pa.nulls(len(table), field.type)
            for field in wanted
        ]
        table = migrated(pa.Table.from_arrays(filled, schema=wanted), version)
        return table if columns is None else table.select(columns)

    try:
        return place.tried(table)
    except (pa.ArrowException, OSError) as error:
        return error


def metadata(place: Place, name: str) -> pq.FileMetaData:
    """Raises pyarrow's ArrowException or OSError where the file was not written to its end."""

    def footer() -> pq.FileMetaData:
        with place.open(name) as source:
            return pq.read_metadata(source)

    return place.tried(footer)


def version_of(schema: pa.Schema) -> int:
    return int((schema.metadata or {}).get(b"schema_version", 1))


def footer_is_whole(place: Place, name: str) -> bool:
    """Whether a Parquet file was written to its end; says nothing of what was damaged later, in the middle."""
    try:
        metadata(place, name)
    except (pa.ArrowException, OSError):
        return False
    return True


def journal_rows(place: Place, name: str) -> list[dict]:
    """The rows of a journal; a last line that was cut off by a crash was never reported as done, and is dropped."""
    rows = []
    for number, line in enumerate(journal_lines(place, name), 1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            warnings.warn(f"{place.at(name)}: line {number} is not whole and is left out", DamagedFile, stacklevel=2)
    return rows


def journal_table(place: Place, name: str) -> pa.Table:
    return migrated(pa.Table.from_pylist(journal_rows(place, name), schema=SCHEMA), VERSION)


def journal_lines(place: Place, name: str) -> list[str]:
    try:
        return place.read(name).decode(errors="replace").splitlines()
    except FileNotFoundError:  # became Parquet after it was listed
        return []


def write_marker(place: Place) -> None:
    place.replace(MARKER, json.dumps({"schema_version": VERSION}).encode())


def write_part(place: Place, tables: Iterable[pa.Table]) -> None:
    """One Parquet file with a group of rows for each table; each is asked for when the one before is written."""
    _write(place, uuid.uuid4().hex, tables)


def write_sealed(place: Place, rows: pa.Table) -> None:
    """The Parquet file of a journal, named after its rows: if a crash left the journal, it replaces itself."""
    keys = json.dumps(rows.select(KEY).to_pylist()).encode()
    _write(place, hashlib.blake2b(keys, digest_size=16).hexdigest(), [rows])


def _write(place: Place, name: str, tables: Iterable[pa.Table]) -> None:
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, SCHEMA, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
    place.replace(f"part-{name}.parquet", sink.getvalue())


def records(store: str | Path | Place) -> dict[str, dict]:
    """The provenance records of a store's runs, by run id; those that cannot be read are left out."""
    place, found = place_of(store), {}
    for name in place.names(RUNS):
        try:
            record = json.loads(place.read(name))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict):
            found[name.removeprefix("runs/").removesuffix(".json")] = record
    return found


def _too_new(path: object, version: object) -> StoreError:
    return StoreError(
        f"{path} has schema version {version}, this code reads versions up to {VERSION}: use the code that wrote it, "
        "or a newer one"
    )
