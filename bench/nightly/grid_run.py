"""Quality: the cells of the grid `nightly`, run as any grid is, and their errors as figures."""

import os
import subprocess
import sys
from math import isfinite, isnan
from pathlib import Path
from statistics import fmean

from bench.attempt import opening
from bench.declarations import FOLDER
from bench.expand import expand
from bench.grid import Filters, load_grid
from bench.nightly.figures import Figure
from bench.status import Status
from bench.store import StoreError, read

ERRORS = {"h_mae_ru": "mean |H error|", "rollout_error": "relative error of rollouts"}
LINE = ("system", "model", "gradient_mode")  # what is averaged over seeds
VERSION = "2"  # 2: judged by other points


def run_grid(tree: Path, out: Path, grid: Path = FOLDER / "grids" / "nightly.toml") -> dict[str, Figure]:
    """Runs the grid with the code of a tree into a new store, with what was said beside it as .log.

    A planned cell that left no row fails its line. Else the exit code of bench.run says nothing that rows do not say,
    but that its report could not be built, which is a benchmark of its own.
    """
    command = [sys.executable, "-m", "bench.run", "--grid", str(grid), "--out", str(out.resolve())]
    environment = os.environ | {"PYTHONPATH": str(tree.resolve()), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    rows = rows_left(out)
    tracebacks = [row["traceback"] for row in rows if isinstance(row["traceback"], str)]
    out.with_suffix(".log").write_text("\n".join((done.stdout, done.stderr, *tracebacks)))
    there = {(line_of(row), row["seed"]) for row in rows}
    missing = [row for row in planned_rows(grid) if (line_of(row), row["seed"]) not in there]
    last_words = done.stderr.strip().rpartition("\n")[2]
    reason = f"no row, and bench.run ended with exit code {done.returncode}: {last_words}"
    return line_figures(rows + [row | {"status": Status.LOST.value, "reason": reason} for row in missing])


def rows_left(store: Path) -> list[dict]:
    try:
        return read(store).to_dict(orient="records")
    except StoreError:
        return []


def planned_rows(grid: Path) -> list[dict]:
    """What rows of the grid begin with."""
    planned = expand(load_grid(str(grid)), Filters())
    return [opening(cell.task) for cell in planned if not cell.skipped]


def line_of(row: dict) -> str:
    return ", ".join(row[axis] for axis in LINE if isinstance(row[axis], str))


def line_figures(rows: list[dict]) -> dict[str, Figure]:
    """Mean errors over the seeds of each line; one seed without an error, and the line failed."""
    lines: dict[str, list[dict]] = {}
    for row in rows:
        lines.setdefault(line_of(row), []).append(row)
    return {
        f"grid.{column}({line})": figure
        for line, own in lines.items()
        for column in ERRORS
        if (figure := mean_over_seeds(own, column)) is not None
    }


def mean_over_seeds(rows: list[dict], column: str) -> Figure | None:
    """None where the error does not apply, as it is null in every row."""
    unfinished = [
        f"seed {row['seed']}: {row['status']}: {row['reason']}" for row in rows if row["status"] != Status.OK
    ]
    if unfinished:
        return Figure(ERRORS[column], version=VERSION, failure="; ".join(unfinished))
    errors = [float(row[column]) for row in rows]
    if all(isnan(error) for error in errors):
        return None
    if not isfinite(fmean(errors)):
        return Figure(ERRORS[column], version=VERSION, failure=f"gave {errors}")
    return Figure(ERRORS[column], (fmean(errors),), VERSION)
