"""python -m reports.build --results DIR --out DIR: every table and figure that the rows of a store allow."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from bench.store import StoreError, read
from reports import (
    energy,
    error_distributions,
    error_table,
    gradient_errors,
    index,
    learning_curves,
    pareto,
    poincare,
    provenance,
    recommendation,
    rows,
    scaling,
)
from reports.provenance import Run
from reports.scaling_points import scalings


class NoRows(ValueError):
    """There is nothing to report on."""


def build(results: Path, out: Path) -> list[Path]:
    """Writes the reports on the store `results` into `out`; returns the files, report.md first.

    Raises StoreError if `results` is no store, NoRows if it is empty, OSError if `out` cannot be written.
    """
    frame = read(results)
    if frame.empty:
        raise NoRows(f"{results} has no rows to report on")
    return compose(frame, provenance.runs(frame, results), out)


def compose(frame: pd.DataFrame, runs: list[Run], out: Path) -> list[Path]:
    """The same from rows (columns of bench.schema, one row a cell) that were read already."""
    out.mkdir(parents=True, exist_ok=True)
    profiles = rows.of_kind(frame, "profile")
    measured = scalings(profiles)
    chapters = [
        error_table.chapter(frame, out),
        recommendation.chapter(measured, out),
        scaling.chapter(profiles, measured, out),
        gradient_errors.chapter(measured, out),
        pareto.chapter(measured, out),
        learning_curves.chapter(frame, out),
        error_distributions.chapter(frame, out),
        energy.chapter(frame, out),
        poincare.chapter(frame, out),
    ]
    page = index.page(frame, runs, chapters, out)
    return [page, *(path for chapter in chapters for path in chapter.files)]


def main(
    results: Annotated[Path, typer.Option(help="Folder of the store that a run wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables and figures; made if it is not there.")],
) -> None:
    """Write every table and figure that the rows of a store allow, and print their paths."""
    try:
        files = build(results, out)
    except (StoreError, NoRows, OSError) as error:
        typer.echo(f"reports: {error}", err=True)
        raise typer.Exit(2) from error
    for path in files:
        typer.echo(str(path))


if __name__ == "__main__":
    typer.run(main)
