"""Quality: the cells of the grid `nightly`, run as any grid is, and their errors as figures."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

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
        figures = line_figures(read(out))
    except StoreError as error:
        raise NothingMeasured(f"bench.run --grid {grid} left no store: {done.stderr[-2000:]}") from error
    if not figures:
        raise NothingMeasured(f"bench.run --grid {grid} left no row: {done.stderr[-2000:]}")
    return figures


def line_figures(rows: pd.DataFrame) -> dict[str, Figure]:
    """Mean errors over the seeds of each line; one seed without an error, and the line failed."""
    figures = {}
    for key, own in rows.groupby(list(LINE), dropna=False):
        line = ", ".join(str(part) for part in key if not pd.isna(part))
        unfinished = [
            f"seed {row['seed']}: {row['status']}: {row['reason']}"
            for row in own.to_dict(orient="records")
            if row["status"] != Status.OK
        ]
        for column, unit in ERRORS.items():
            if unfinished:
                figure = Figure(unit, version=VERSION, failure="; ".join(unfinished))
            elif own[column].isna().all():
                continue
            else:
                figure = Figure(unit, (float(own[column].mean(skipna=False)),), VERSION)
            figures[f"grid.{column}({line})"] = figure
    return figures
