"""python -m bench.store: look at a store while it is written, join its files, merge several, find what is damaged."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from bench.store.files import PARTS, place_of
from bench.store.place import StoreError
from bench.store.reading import read
from bench.store.upkeep import doctor as find
from bench.store.upkeep import merge as add
from bench.store.upkeep import status as look
from bench.store.writer import Store
from bench.store.writer import compact as join

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)
Named = Annotated[
    str, typer.Argument(metavar="STORE", help="Folder of a store, as in results/paper, or s3://BUCKET/PREFIX.")
]


@contextmanager
def said() -> Iterator[None]:
    """A store that cannot be used is a sentence and exit code 2."""
    try:
        yield
    except (StoreError, OSError) as error:
        errors.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from None


@app.command()
def status(store: Named) -> None:
    """What the store holds, who writes it, and how far the last run is. Works while it goes on."""
    with said():
        summary = look(store)
    console.print(f"{store}: {summary.statuses.sum()} cells, {summary.attempts} attempts")
    for name, count in summary.statuses.items():
        console.print(f"  {name} {count}")
    if summary.run_id:
        of = f" of {summary.planned}" if summary.planned is not None else ""
        console.print(f"last run {summary.run_id}: {summary.done}{of} cells")
    if summary.studies:
        console.print(f"studies: {', '.join(summary.studies)}")
    does = f", which does studies: {', '.join(summary.studying)}" if summary.studying else ""
    console.print(f"written by {summary.writer}{does}" if summary.writer else "nobody writes it now")
    if summary.left_s is not None:
        console.print(f"about {summary.left_s:.0f} s left")
    for error in summary.errors:
        console.print(f"  {error}", markup=False)


@app.command()
def compact(store: Named) -> None:
    """Join the small files of a store; no row changes."""
    with said():
        place = place_of(store)
        before, rows = len(place.names(PARTS)), len(read(place, columns=["cell_id"]))
        with Store(place, "compact"):
            join(place)
        after = len(place.names(PARTS))
    console.print(f"{place}: {rows} cells in {after} files, before in {before}")


@app.command()
def merge(
    into: Annotated[str, typer.Argument(help="The store that gets the rows; made if it is not there.")],
    sources: Annotated[list[str], typer.Argument(help="Stores whose rows are added; they are left as they are.")],
) -> None:
    """Add the rows of other machines' stores. Doing it twice, or in another order, changes nothing."""
    with said():
        added = add(into, sources)
    studies = f", studies: {', '.join(added.studies)}" if added.studies else ""
    console.print(f"{into}: {added.rows} rows added{studies}")


@app.command()
def doctor(
    store: Named,
    mend: Annotated[bool, typer.Option("--mend", help="Do what is said about each finding.")] = False,
) -> None:
    """Read every file in full and say what is wrong; exit code 1 if something is, and was not mended."""
    with said():
        place = place_of(store)
        found = find(place, mend=mend)
    for finding in found:
        console.print(f"{place.at(finding.name)}: {finding.what} (remedy: {finding.remedy})", markup=False)
    console.print("nothing is wrong" if not found else f"{len(found)} findings{', mended' if mend else ''}")
    raise typer.Exit(1 if found and not mend else 0)


if __name__ == "__main__":
    app()
