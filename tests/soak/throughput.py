"""python -m tests.soak.throughput: 10,000 cells whose work is nothing, through driver, Ray, store and progress; then
a store of 100,000 rows, opened as the report opens it.

Exits with 1 where a figure misses its target. Wall times mean something on a quiet machine only; CPU seconds do
elsewhere too.
"""

import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from threading import Event
from typing import Annotated

import typer

from bench.attempt import opening
from bench.cell import Task
from bench.driver import Driver, Started
from bench.expand import expand
from bench.grid import Block, Filters, Grid
from bench.plan import make_plan
from bench.schema import QUANTILES, SCHEMA, TEST_SETS

LEAST_CELLS_A_S, MOST_MB, MOST_READING_S = 300, 500, 5.0
FIGURES = {f"h_quantiles_{name}": [0.1] * QUANTILES for name in TEST_SETS} | {"h_mae_ru": 0.1, "wall_s": 1e-4}


def trivial(tasks: Sequence[Task], *_: object) -> Iterator[Started | dict]:
    """As a worker reports, with rows of the usual size."""
    yield Started("here")
    for task in tasks:
        yield opening(task) | FIGURES | {"status": "ok"}


@contextmanager
def measured(what: str) -> Iterator[dict[str, float]]:
    """Prints wall and CPU seconds of the block, and keeps them."""
    seconds: dict[str, float] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    yield seconds
    seconds |= {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(f"{what}: {seconds['wall']:.2f} s, {seconds['cpu']:.2f} s of this process's CPU", flush=True)


def run_cells(cells: int, folder: Path) -> bool:
    """Whether so many cells went through fast enough, in little enough memory, and are all there."""
    from bench.backends import ray as back_end
    from bench.engine import Engine
    from bench.reporting import Refresh
    from bench.run import Tally, run_tasks
    from bench.store import Store, read

    back_end._run_cells = back_end.ray.remote(**back_end._run_cells._default_options)(trivial)
    back_end.RayWorkers._dataset = lambda self, task: None
    axes = {"system": "harmonic_oscillator", "model": "fshnn", "seq_len": 4, "recipe": ["one_cycle"]}
    block = Block.model_validate(axes | {"seed": list(range(cells)), "protocol": "smoke"})
    plan = make_plan(expand(Grid(name="throughput", cells=[block]), Filters()), SCHEMA.empty_table().to_pandas())
    with (
        back_end.cluster(2, None) as workers,
        Store(folder, "throughput") as store,
        measured(f"{cells} cells") as seconds,
    ):
        run_tasks(
            plan, store, Engine(Driver(workers).run, workers.slots), Event(), Tally(), Refresh(store.place, None)
        )
    rate, megabytes = cells / seconds["wall"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{rate:.0f} cells/s (least {LEAST_CELLS_A_S}), driver at most {megabytes:.0f} MB (most {MOST_MB})")
    return rate >= LEAST_CELLS_A_S and megabytes < MOST_MB and len(read(folder, columns=["status"])) == cells


def open_store(rows: int, folder: Path) -> bool:
    """Whether a store of so many rows is opened fast enough."""
    from bench.store import Store, read

    axes = {
        "kind": "train",
        "system": "pendulum",
        "model": "fshnn",
        "preset": "paper",
        "protocol": "smoke",
        "seq_len": 4,
    }
    row = axes | {"recipe": "one_cycle", "attempt": 1, "status": "ok"} | FIGURES
    with Store(folder, "reading") as store:
        for start in range(0, rows, 1000):
            store.append(*(row | {"cell_id": f"{n:016x}"} for n in range(start, min(rows, start + 1000))))
    with measured(f"a store of {rows} rows, read whole") as seconds:
        frame = read(folder)
    print(f"most {MOST_READING_S:g} s")
    return len(frame) == rows and seconds["wall"] < MOST_READING_S


def main(
    cells: Annotated[int, typer.Option(min=1)] = 10_000, rows: Annotated[int, typer.Option(min=1)] = 100_000
) -> None:
    """Measure both; exit code 1 if either misses its target."""
    os.environ.pop("RAY_ADDRESS", None)
    folder = Path(mkdtemp(prefix="throughput-"))
    try:
        good = [run_cells(cells, folder / "cells"), open_store(rows, folder / "rows")]
    finally:
        shutil.rmtree(folder)
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    typer.run(main)
