"""One writer a folder: an advisory lock that the kernel releases however its holder ends, so none is ever stale."""

import fcntl
import os
import socket
from contextlib import suppress
from io import FileIO
from pathlib import Path

from bench.store.place import StoreError

NAME = ".lock"


class FileLock:
    """The folder is this process's, until this is closed or the process ends."""

    def __init__(self, folder: Path):
        """Raises StoreError if it is another's."""
        try:
            self._file = (folder / NAME).open("a+b", buffering=0)
        except OSError as error:
            raise StoreError(f"{folder} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            with self._file:
                raise StoreError(f"{folder} is being written by {_holder(self._file)}") from error
        except OSError as error:
            self._file.close()
            told = f"its file system knows no locks ({error.strerror}), so that two runs could mix their rows"
            raise StoreError(f"{folder} cannot be written: {told}; choose a folder on another one") from error
        with suppress(OSError):  # a full disk, and it holds unsigned as well
            self._file.truncate(0)
            self._file.write(this_process().encode())

    def check(self) -> None:
        """Nobody can take it away."""

    def close(self) -> None:
        self._file.close()


def this_process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def written_by(folder: Path) -> str | None:
    """Which process writes the store at this moment, on which host; None if none does."""
    try:
        file = (folder / NAME).open("rb", buffering=0)
    except OSError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(file)
        return None


def _holder(file: FileIO) -> str:
    file.seek(0)
    return file.readall().decode() or "another process"
