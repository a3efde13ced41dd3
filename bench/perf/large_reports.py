"""python -m bench.perf.large_reports --rows 100000: what all reports cost from a store of so many rows.

The cells are those of a grid with as many seeds as that takes, their figures are drawn at random, and the store is
written by its own functions. The reports are built in a process of their own; printed are the time that it and those
that it starts take on processors, its wall time and their peak of memory. No benchmark of asv's: it takes minutes.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer

from bench.attempt import opening
from bench.expand import Planned, expand
from bench.grid import Filters, beside, load_grid
from bench.schema import COLUMNS, QUANTILES, SCHEMA, complete
from bench.store import place_of, read
from bench.store.files import write_marker, write_part

ROWS_A_PART = 10_000
POLL_S = 0.2  # between looks at the memory
EPOCHS, REPEATS, TIMES = 10, 21, 80  # lengths of list columns
LISTS = {"h_quantiles": QUANTILES, "curve": EPOCHS, "iteration_samples_s": REPEATS, "energy_": TIMES}
TRAINED = ("h_", "field_error", "share_", "rollout_error", "error_at_", "valid_time", "energy_", "curve_", "train_s",
           "validation_loss", "loss_floor", "eval_s", "wall_s")  # fmt: skip
PROFILED = ("iteration_", "peak_", "forward_s", "backward_s", "gradient_", "field_evals_", "observations",
            "batch_size")  # fmt: skip


def drawn_row(planned: Planned, stream: np.random.Generator) -> dict:
    """A row of the cell with every figure that its kind has, log-normal about 1e-2; or skipped with its reason."""
    row = opening(planned.task) | {"run_id": "drawn"}
    if planned.skipped is not None:
        return complete(row | {"status": "skipped", "reason": planned.skipped})
    wanted = TRAINED if planned.task.cell.kind == "train" else PROFILED
    figures = {name: figure(name, stream) for name in COLUMNS if name.startswith(wanted) and name not in row}
    return complete(row | {"status": "ok"} | figures)


def figure(name: str, stream: np.random.Generator) -> float | int | np.ndarray:
    kind = SCHEMA.field(name).type
    if not pa.types.is_list(kind):
        drawn = 1e-2 * stream.lognormal()
        return 512 if name == "batch_size" else round(1e8 * drawn) if pa.types.is_integer(kind) else drawn
    length = next(length for start, length in LISTS.items() if name.startswith(start))
    return np.sort(1e-2 * stream.lognormal(size=length))


def cells(grid_name: str, rows: int) -> Iterator[Planned]:
    """So many cells of a grid that has as many seeds as it takes."""
    grid = load_grid(grid_name)
    single = [block.model_copy(update={"seed": [0]}) for block in grid.cells]
    of_one_seed = sum(1 for _ in expand(grid.model_copy(update={"cells": single}), Filters(), beside(grid_name)))
    seeds = list(range(ceil(rows / of_one_seed)))
    blocks = [block.model_copy(update={"seed": seeds}) for block in grid.cells]
    for number, planned in enumerate(expand(grid.model_copy(update={"cells": blocks}), Filters(), beside(grid_name))):
        if number == rows:
            return
        yield planned


def write(folder: Path, grid_name: str, rows: int) -> None:
    """A store of such rows."""
    stream, planned = np.random.default_rng(0), cells(grid_name, rows)
    folder.mkdir(parents=True)
    place = place_of(folder)
    write_marker(place)
    while part := [drawn_row(cell, stream) for cell in islice(planned, ROWS_A_PART)]:
        write_part(place, [pa.Table.from_pylist(part, schema=SCHEMA)])


@dataclass(frozen=True)
class Cost:
    """Of a process and those that it starts: seconds on processors and in all, and the peak of their memory."""

    cpu_s: float
    wall_s: float
    peak_bytes: int


def build(store: Path, out: Path) -> Cost:
    """What building all reports costs. Raises CalledProcessError if it fails."""
    command = [sys.executable, "-m", "reports.build", "--results", str(store), "--out", str(out)]
    start, before = time.perf_counter(), os.times()
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory(process.pid))
        time.sleep(POLL_S)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    wall, used = time.perf_counter() - start, os.times()
    cpu = used.children_user + used.children_system - before.children_user - before.children_system
    return Cost(cpu, wall, peak)


def memory(pid: int) -> int:
    """Bytes of a process and of those that it started, what several share counted once; 0 once it has ended."""
    folder = Path(f"/proc/{pid}")
    try:
        shares = re.findall(r"^Pss: +(\d+) kB", (folder / "smaps_rollup").read_text(), re.MULTILINE)
        started = [child for task in folder.glob("task/*/children") for child in task.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(1024 * int(share) for share in shares) + sum(memory(int(child)) for child in started)


def main(
    rows: Annotated[int, typer.Option(min=1, help="How many.")] = 100_000,
    grid: Annotated[str, typer.Option(help="Whose cells; with as many seeds as it takes.")] = "full",
    keep: Annotated[Path | None, typer.Option(help="Folder for store and reports; a store in it is taken.")] = None,
) -> None:
    """Write a store of drawn figures, build all reports on it, and print what that costs."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or Path(scratch)
        store = folder / "store"
        if not store.exists():
            write(store, grid, rows)
        count = len(read(store, columns=("cell_id",)))
        cost = build(store, folder / "report")
        print(
            f"{count:,} rows of grid {grid}: {cost.cpu_s:.1f} s on processors, {cost.wall_s:.1f} s in all, "
            f"{cost.peak_bytes / 2**30:.2f} GiB at most"
        )


if __name__ == "__main__":
    typer.run(main)
