"""What a cell had to say, beside its row: logs/<cell_id>.<attempt>.log of the store, if it said anything."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress

from bench.store import Place, StoreError

OUTPUT = "output"  # what a row carries on its way to the driver, and no column of the store
KEPT_BYTES = 100_000  # the end of what was printed


@contextmanager
def listening() -> Iterator[list[str]]:
    """After the block the list holds what this process, its C code included, wrote to stdout and stderr in it."""
    heard: list[str] = []
    with open(os.memfd_create("output"), "w+b") as file, open(file.fileno(), "w", closefd=False, buffering=1) as text:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        kept = [(number, os.dup(number)) for number in (1, 2)]
        for number, _ in kept:
            os.dup2(file.fileno(), number)
        try:
            with redirect_stdout(text), redirect_stderr(text):
                yield heard
        finally:
            for number, before in kept:
                os.dup2(before, number)
                os.close(before)
            text.flush()
            file.seek(max(0, file.seek(0, os.SEEK_END) - KEPT_BYTES))
            heard.append(file.read().decode(errors="replace"))


def keep(place: Place, row: dict, output: str) -> None:
    """Write down what the cell of a row printed, and its traceback."""
    told = [text.rstrip() for text in (output, row.get("traceback") or "") if text.strip()]
    if told:
        head = f"cell {row['cell_id']}, attempt {row['attempt']}: {row['status']}; {row['worker']}"
        with suppress(OSError, StoreError):  # a log is no reason to stop
            place.replace(f"logs/{row['cell_id']}.{row['attempt']}.log", "\n".join([head, *told, ""]).encode())
