"""python -m bench.studies [NAME ...] --out STORE: experiments apart from the grids, for the report of the store."""

from typing import Annotated

import torch
import typer

from bench import provenance
from bench.store import Store, StoreError, place_of
from bench.studies import STUDIES
from systems.registry import UnknownName


def write(out: str, names: list[str], **options: int) -> list[str]:
    """Does the studies, each written when it is done; returns the files. Raises UnknownName, StoreError."""
    for name in names:
        if name not in STUDIES:
            raise UnknownName("study", name, sorted(STUDIES))
    torch.set_num_threads(1)
    run_id, written = provenance.new_run_id(), []
    with Store(place_of(out), run_id) as store:
        store.write_provenance(provenance.record(run_id) | {"studies": names})
        for name in names:
            written.append(store.write_study(name, STUDIES[name](**options)))
    return written


def main(
    out: Annotated[str, typer.Option(help="Folder of a store, or s3://BUCKET/PREFIX; made if it is not there.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help=f"Of {', '.join(STUDIES)} [all].")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Of the training of each net.")] = None,
) -> None:
    """Do the studies, ten minutes on one core, and print the files; reports.build draws them."""
    options = {} if iterations is None else {"iterations": iterations}
    try:
        written = write(out, names or list(STUDIES), **options)
    except (UnknownName, StoreError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    for path in written:
        typer.echo(path)


if __name__ == "__main__":
    typer.run(main)
