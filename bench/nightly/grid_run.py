"""Quality: the cells of the grid `nightly`, run as any grid is, and their errors as figures."""

import os
import subprocess
import sys
from math import isfinite, isnan
from pathlib import Path
from statistics import fmean

from bench.declarations import FOLDER
from bench.nightly.asv_passes import NothingMeasured
from bench.nightly.figures import Figure
from bench.status import Status
from bench.store import StoreError, read

ERRORS = {"h_mae_ru": "mean |H error|", "rollout_error": "relative error of rollouts"}
LINE = ("system", "model", "gradient_mode")  # what is averaged over seeds
VERSION = "1"


def run_grid(tree: Path, out: Path, grid: Path = FOLDER / "grids" / "nightly.toml") -> dict[str, Figure]:
    """Runs the grid with the code of a tree into a new store. Raises NothingMeasured."""
    command = [sys.executable, "-m", "bench.run", "--grid", str(grid), "--out", str(out.resolve())]
    environment = os.environ | {"PYTHONPATH": str(tree.resolve()), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    try:
        figures = line_figures(read(out).to_dict(orient="records"))
    except StoreError as error:
        raise NothingMeasured(f"bench.run --grid {grid} left no store: {done.stderr[-2000:]}") from error
    if not figures:
        raise NothingMeasured(f"bench.run --grid {grid} left no row: {done.stderr[-2000:]}")
    return figures


def line_figures(rows: list[dict]) -> dict[str, Figure]:
    """Mean errors over the seeds of each line; one seed without an error, and the line failed."""
    lines: dict[str, list[dict]] = {}
    for row in rows:
        line = ", ".join(row[axis] for axis in LINE if isinstance(row[axis], str))
        lines.setdefault(line, []).append(row)
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
