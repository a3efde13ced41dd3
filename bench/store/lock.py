"""One writer a store: an advisory lock that the kernel releases however its holder ends, so none is ever stale."""

import fcntl
import os
import socket
from pathlib import Path
from typing import TextIO

from bench.store.files import StoreError

NAME = ".lock"


def lock(folder: Path) -> TextIO:
    """Take the store for this process, until the file is closed or the process ends. Raises StoreError."""
    file = (folder / NAME).open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        with file:
            raise StoreError(f"{folder} is being written by {_holder(file)}") from error
    except OSError as error:
        file.close()
        told = f"its file system knows no locks ({error.strerror}), so that two runs could mix their rows"
        raise StoreError(f"{folder} cannot be written: {told}; choose a folder on another one") from error
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}")
    file.flush()
    return file


def written_by(folder: Path) -> str | None:
    """Which process writes the store at this moment, on which host; None if none does."""
    try:
        file = (folder / NAME).open(encoding="utf-8")
    except OSError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(file)
        return None


def _holder(file: TextIO) -> str:
    file.seek(0)
    return file.read() or "another process"
