"""python -m reports.rerun CELL_ID --results DIR: the command that runs a stored cell again."""

import shlex
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from bench.store import StoreError, read
from bench.store import records as records_of
from reports import provenance
from reports.frames import records, where
from reports.material import Material
from reports.provenance import Run

OUT = "results/rerun"  # a store of its own: in the old one the cell is finished


def command(cell_id: str, run: Run) -> str:
    """The command that runs one cell of a run again; empty where its record does not say which cells it had."""
    if not run.cells_named:
        return ""
    return shlex.join(["python", "-m", "bench.run", *run.cells_named, "--cell", cell_id, "--out", OUT])


def commands(frame: pd.DataFrame, runs: list[Run]) -> pd.Series:
    """The command of each row, in the order of the rows."""
    known = {run.run_id: run for run in runs}
    unknown = Run("", 0, {})
    pairs = zip(frame["cell_id"], frame["run_id"], strict=True)
    return pd.Series([command(cell, known.get(run, unknown)) for cell, run in pairs], index=frame.index, dtype=object)


def explain(cell_id: str, results: str | Path) -> str:
    """The command for a cell of the store, and the code that it ran. Raises StoreError, or KeyError if unknown."""
    frame = where(read(results), cell_id=cell_id)
    if frame.empty:
        raise KeyError(f"{results} has no cell '{cell_id}'; column cell_id of report/cells.csv lists them")
    (row,) = records(frame)
    (run,) = provenance.runs(Material(frame, records=records_of(results)))
    if not run.cells_named:
        raise KeyError(f"the record of run {run.run_id} names no grid or data: cell '{cell_id}' cannot be run alone")
    return f"# code: git {run.git}; status then: {row['status']}\n{command(cell_id, run)}"


def main(
    cell_id: Annotated[str, typer.Argument(help="The cell, as in column cell_id of every table.")],
    results: Annotated[str, typer.Option(help="Folder of the store that holds it, or s3://BUCKET/PREFIX.")],
) -> None:
    """Print the command that runs a stored cell again, into a store of its own."""
    try:
        typer.echo(explain(cell_id, results))
    except (StoreError, KeyError) as error:
        typer.echo(f"reports: {error.args[0]}", err=True)
        raise typer.Exit(2) from error


if __name__ == "__main__":
    typer.run(main)
