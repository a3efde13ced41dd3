"""What the commands of this package do at the end: print the files that they wrote, or what was wrong."""

from collections.abc import Callable, Iterable
from pathlib import Path

import typer


def print_files(build: Callable[[], Iterable[Path]], *wrong: type[Exception]) -> None:
    """Print the paths that `build` returns; errors of the kinds `wrong` become a sentence and exit code 2."""
    try:
        files = build()
    except wrong as error:
        typer.echo(f"reports: {error}", err=True)
        raise typer.Exit(2) from error
    for path in files:
        typer.echo(str(path))
