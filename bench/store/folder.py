"""A store in a folder of this machine, or of a file system that it mounts and that knows locks."""

import os
import uuid
from pathlib import Path

import pyarrow as pa
from pyarrow.fs import LocalFileSystem

from bench.store.lock import FileLock, written_by
from bench.store.place import Place, StoreError


class Folder(Place):
    def __init__(self, path: Path):
        super().__init__(LocalFileSystem(), str(path))
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def at(self, name: str) -> str:
        return str(self.path / name)

    def report(self) -> Path:
        return self.path / "report"

    def replace(self, name: str, content: bytes | pa.Buffer) -> None:
        replace_file(self.path / name, content)

    def check_writable(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"{self} is a file, not a folder")
        nearest = next(parent for parent in (self.path, *self.path.absolute().parents) if parent.exists())
        if not nearest.is_dir():
            raise StoreError(f"{self} cannot be written: {nearest} is a file")
        if not os.access(nearest, os.W_OK | os.X_OK):
            read_only = os.statvfs(nearest).f_flag & os.ST_RDONLY
            why = f"the file system of {nearest} is read-only" if read_only else f"no permission in {nearest}"
            raise StoreError(f"{self} cannot be written: {why}; choose another folder")

    def lock(self) -> FileLock:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self} cannot be written: {error.strerror}") from error
        return FileLock(self.path)

    def written_by(self) -> str | None:
        return written_by(self.path)

    def journal(self, name: str) -> "FileJournal":
        return FileJournal(self.path / name)


class FileJournal:
    """Appends to one file, and flushes it to the disk."""

    def __init__(self, path: Path):
        self._path = path

    def append(self, lines: bytes) -> None:
        with self._path.open("ab", buffering=0) as file:
            before = os.fstat(file.fileno()).st_size
            try:
                write_all(file.fileno(), lines)
                os.fsync(file.fileno())
            except OSError:  # a full disk: nobody shall find half a row
                file.truncate(before)
                raise
        if not before:
            sync_folder(self._path.parent)

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)


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
    sync_folder(path.parent)


def write_all(handle: int, content: bytes) -> None:
    """A write may take a part only, where the disk is nearly full."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable: those of new files, and of replaced ones."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
