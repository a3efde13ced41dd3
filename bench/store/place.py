"""Where the files of a store lie: what a folder and a bucket have in common, by pyarrow's file systems."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType

T = TypeVar("T")


class StoreError(ValueError):
    """The folder or bucket is not a store, or cannot be used as one."""


@runtime_checkable
class Lock(Protocol):
    """The right to write to a store."""

    def check(self) -> None: ...  # raises StoreError if another has it by now
    def close(self) -> None: ...


@runtime_checkable
class Journal(Protocol):
    """The newest rows of a run, one a line."""

    def append(self, lines: bytes) -> None: ...  # durable when this returns; raises OSError, having written nothing
    def clear(self) -> None: ...  # its rows are Parquet now


class Place(ABC):
    """Names in it are those of its files, `runs/a.json` for one below; they sort by name."""

    def __init__(self, filesystem: FileSystem, base: str):
        self._filesystem, self._base = filesystem, base

    @abstractmethod
    def __str__(self) -> str: ...  # as a user would name it
    @abstractmethod
    def at(self, name: str) -> str: ...  # a file of it, as a user would name it
    @abstractmethod
    def report(self) -> Path: ...  # the folder where the report on it is built
    @abstractmethod
    def replace(self, name: str, content: bytes | pa.Buffer) -> None: ...  # all or nothing, and durable
    @abstractmethod
    def check_writable(self) -> None: ...  # as far as it can be told without writing; raises StoreError
    @abstractmethod
    def lock(self) -> Lock: ...  # makes the place if need be; raises StoreError if another process writes
    @abstractmethod
    def written_by(self) -> str | None: ...  # which process writes it now, on which host
    @abstractmethod
    def journal(self, name: str) -> Journal: ...

    def sizes(self, pattern: str = "*") -> dict[str, int]:
        """The files whose names match, and their bytes; none if nothing is there."""
        return {name: info.size or 0 for name, info in self._infos(pattern) if info.type == FileType.File}

    def modified(self, name: str) -> float | None:
        """When a file was last written, in seconds by the clock of the place; None if there is none."""
        info = self.tried(lambda: self._filesystem.get_file_info(f"{self._base}/{name}"))
        return info.mtime_ns / 1e9 if info.mtime_ns is not None else None

    def names(self, pattern: str = "*") -> list[str]:
        return list(self.sizes(pattern))

    def entries(self) -> list[str]:
        """What lies in it, folders too."""
        return [name for name, _ in self._infos("*")]

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError, OSError."""

        def content() -> bytes:
            with self.open(name) as file:
                return file.read()

        return self.tried(content)

    def open(self, name: str) -> pa.NativeFile:
        return self._filesystem.open_input_file(f"{self._base}/{name}")

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self.tried(lambda: self._filesystem.delete_file(f"{self._base}/{name}"))

    def set_aside(self, name: str) -> str:
        """Move a file that cannot be read out of the way; returns its name now, which no other one had."""
        self.tried(lambda: self._filesystem.create_dir(f"{self._base}/damaged"))
        aside = (
            f"damaged/{name}" if self.modified(f"damaged/{name}") is None else f"damaged/{uuid.uuid4().hex}-{name}"
        )
        with suppress(FileNotFoundError):  # moved by a request whose answer was lost
            self.tried(lambda: self._filesystem.move(f"{self._base}/{name}", f"{self._base}/{aside}"))
        return aside

    def tried(self, action: Callable[[], T]) -> T:
        """The outcome of an action on files, tried as often as the place is worth it."""
        return action()

    def _infos(self, pattern: str) -> list[tuple[str, FileInfo]]:
        below, _, wanted = pattern.rpartition("/")
        begin = f"{below}/" if below else ""
        selector = FileSelector(f"{self._base}/{below}".rstrip("/"))
        try:
            infos = self.tried(lambda: self._filesystem.get_file_info(selector))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(
            (begin + info.base_name, info) for info in infos if fnmatchcase(info.base_name, wanted)
        )  # fmt: skip
