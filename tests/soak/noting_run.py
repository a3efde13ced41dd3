"""bench.run that notes what it does, for whoever kills it: NOTES, then the options of bench.run.

NOTES gets a line `started CELL_ID` from the worker when a cell begins, and `reported CELL_ID` from the driver when it
shows a row as done; both are appended by one write, so that no kill tears them.
"""

import os
import sys
from collections.abc import Callable

NOTES = sys.argv[1] if len(sys.argv) > 1 else ""


def noting(run_cell: Callable, notes: str) -> Callable:
    def noted(task, *rest):
        write(notes, f"started {task.cell_id}")
        return run_cell(task, *rest)

    return noted


def write(notes: str, line: str) -> None:
    handle = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def note_cells() -> None:
    """In the worker that runs a cell: `noting` and NOTES travel by value, for they are of the main module."""
    from bench.backends import inline
    from bench.backends import ray as back_end

    inline.run_cell = noting(inline.run_cell, NOTES)
    options, notes = back_end._run_cells._default_options, NOTES

    def run_cells(*arguments):
        from bench.backends import ray as there

        if not hasattr(there, "noted"):
            there.noted, there.run_cell = True, noting(there.run_cell, notes)
        yield from there._run_cells._function(*arguments)

    back_end._run_cells = back_end.ray.remote(**options)(run_cells)


def note_reports() -> None:
    from bench.display import Live

    shown = Live.note

    def note(self, row: dict) -> None:
        write(NOTES, f"reported {row['cell_id']}")
        shown(self, row)

    Live.note = note


if __name__ == "__main__":
    import bench.run

    del sys.argv[1]
    note_cells()
    note_reports()
    bench.run.build_report = lambda place: True
    bench.run.app()
