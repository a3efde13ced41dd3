"""The files of a store: what may be one, how each is read, and how each is written whole or not at all."""

import json
import os
import uuid
import warnings
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.schema import SCHEMA, VERSION

MARKER = "store.json"


class StoreError(ValueError):
    """The folder is not a store, or cannot be used as one."""


class DamagedFile(UserWarning):
    """A file of the store could not be read; the others were."""


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def journals(folder: Path) -> list[Path]:
    return sorted(folder.glob("journal-*.jsonl"))


def check_marker(folder: Path) -> None:
    """Raises StoreError unless the folder is a store that this code can read."""
    if not folder.is_dir():
        raise StoreError(f"{folder} is not a folder: nothing was ever stored there")
    try:
        version = json.loads((folder / MARKER).read_text())["schema_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder} is not a store of hamiltonian-bench: no readable {MARKER}") from error
    if version not in range(1, VERSION + 1):
        raise _too_new(folder, version)


def check_usable(folder: Path) -> None:
    """Raises StoreError if the folder holds something else, or cannot be written; writes nothing."""
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file, not a folder")
    left_by_the_killed = (".lock", f".{MARKER}.")  # before they had a marker; it does no harm
    if folder.is_dir() and any(not path.name.startswith(left_by_the_killed) for path in folder.iterdir()):
        check_marker(folder)
    nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not nearest.is_dir():
        raise StoreError(f"{folder} cannot be written: {nearest} is a file")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise StoreError(f"{folder} cannot be written: no permission in {nearest}")


def read_part(path: Path, columns: list[str] | None = None) -> pa.Table | Exception:
    """A Parquet file in the declared schema, or why it cannot be read. Raises StoreError for one of a newer schema.

    This is the migration of old files: a column that they lack is null, one that is no more is left out.
    """
    wanted = SCHEMA if columns is None else pa.schema([SCHEMA.field(name) for name in columns], SCHEMA.metadata)
    try:
        with pq.ParquetFile(path) as file:
            version = version_of(file.schema_arrow)
            if version > VERSION:
                raise _too_new(path, version)
            there = set(file.schema_arrow.names)
            table = file.read([name for name in wanted.names if name in there])
        filled = [
            table[field.name].cast(field.type) if field.name in there else pa.nulls(len(table), field.type)
            for field in wanted
        ]
        return pa.Table.from_arrays(filled, schema=wanted)
    except (pa.ArrowException, OSError) as error:
        return error


def version_of(schema: pa.Schema) -> int:
    return int((schema.metadata or {}).get(b"schema_version", 1))


def footer_is_whole(path: Path) -> bool:
    """Whether a Parquet file was written to its end; says nothing of what was damaged later, in the middle."""
    try:
        pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        return False
    return True


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


def set_aside(path: Path) -> Path:
    """Move a file that cannot be read out of the way; returns where it lies now."""
    aside = path.parent / "damaged" / path.name
    aside.parent.mkdir(exist_ok=True)
    path.replace(aside)
    return aside


def write_marker(folder: Path) -> None:
    replace_file(folder / MARKER, json.dumps({"schema_version": VERSION}).encode())


def write_part(folder: Path, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    replace_file(folder / f"part-{uuid.uuid4().hex}.parquet", sink.getvalue())


def replace_file(path: Path, content: bytes | pa.Buffer) -> None:
    """Write a file so that readers see all of it or nothing, and it survives a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.parent / f".{path.name}.{uuid.uuid4().hex}"
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        unfinished.unlink(missing_ok=True)  # a full disk
        raise
    unfinished.replace(path)


def _too_new(path: Path, version: object) -> StoreError:
    return StoreError(
        f"{path} has schema version {version}, this code reads versions up to {VERSION}: use the code that wrote it, "
        "or a newer one"
    )
