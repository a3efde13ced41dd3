"""python -m reports.build --results DIR --out DIR: every table and figure that the rows of a store allow."""

import difflib
import gc
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.store import StoreError, read, records, studies
from reports import cells, compare, index, page, provenance, saving
from reports.chapters import CHAPTERS
from reports.command import print_files
from reports.exhibit import Chapter
from reports.material import Material
from reports.saving import Edition


class Format(StrEnum):
    PNG, PDF, SVG = saving.FORMATS


class NoReport(ValueError):
    """There is nothing to report on, or no such chapter."""


def build(
    results: str | Path, out: Path, only: Sequence[str] = (), formats: Sequence[str] = Edition.formats
) -> list[Path]:
    """Writes the reports on the store `results` into `out`; returns the files, report.html first.

    With `only`, just these chapters and no page. Raises StoreError if `results` is no store, NoReport if it is empty
    or a chapter is not known, OSError if `out` cannot be written.
    """
    check(only)
    material = Material(read(results), studies(results), records(results))
    if material.frame.empty and not material.studies:
        raise NoReport(f"{results} has no rows to report on")
    attempts = read(results, attempts=True, columns=provenance.ATTEMPTED)
    return compose(material, out, only, formats, provenance.unfinished(attempts, material.records))


def compose(
    material: Material,
    out: Path,
    only: Sequence[str] = (),
    formats: Sequence[str] = Edition.formats,
    missing: Sequence[str] = (),
) -> list[Path]:
    """The same from rows that were read already, and what they lack."""
    frame, runs = material.frame, provenance.runs(material)
    out.mkdir(parents=True, exist_ok=True)
    with saving.edition(Edition(tuple(dict.fromkeys(formats)), provenance.of_cells(material))):
        chapters = [make(material, out) for name, make in CHAPTERS.items() if not only or name in only]
        files = [path for chapter in chapters for path in chapter.files]
        if only:
            return files
        chapters.insert(0, Chapter("Runs", missing=tuple(missing)))
        table = cells.csv(frame, runs, out)
        contents = page.contents(frame, runs, chapters)  # while helpers save figures
    return [page.page(contents, out), index.page(frame, runs, chapters, out), table, *files]


def check(only: Sequence[str]) -> None:
    """Raises NoReport for a chapter that there is not, with those that there are."""
    for name in only:
        if name not in CHAPTERS:
            near = difflib.get_close_matches(name, CHAPTERS, 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise NoReport(f"--only: unknown chapter '{name}'.{hint} There are: {', '.join(sorted(CHAPTERS))}")


def contrast(old: str | Path, new: str | Path, out: Path) -> list[Path]:
    """Writes the comparison of two stores into `out`. Raises as `build` does, NoReport if nothing is in common."""
    frames = [read(folder) for folder in (old, new)]
    try:
        found = compare.changes(*frames)
    except ValueError as error:
        raise NoReport(f"{old}, {new}: {error}") from error
    out.mkdir(parents=True, exist_ok=True)
    return list(compare.exhibit(found, out).files)


def main(
    out: Annotated[Path, typer.Option(help="Folder for the tables and figures; made if it is not there.")],
    results: Annotated[str | None, typer.Option(help="Folder of the store, or s3://BUCKET/PREFIX.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this chapter, and no page; repeatable.")] = None,
    kinds: Annotated[
        list[Format] | None, typer.Option("--format", help="Of figures; repeatable [png and pdf].")
    ] = None,
    stores: Annotated[
        tuple[str, str] | None, typer.Option("--compare", help="Two stores, old and new, in place of --results.")
    ] = None,
) -> None:
    """Write every table and figure that the rows of a store allow, or how two stores differ, and print the paths."""

    def wanted() -> list[Path]:
        if stores is not None and results is None:
            return contrast(*stores, out)
        if results is not None and stores is None:
            return build(results, out, only or (), [kind.value for kind in kinds or ()] or Edition.formats)
        raise NoReport("give either --results or --compare")

    print_files(wanted, StoreError, NoReport, OSError)


if __name__ == "__main__":
    # A large report makes millions of objects that stay, as modules do; collections take a tenth of its time.
    gc.freeze()
    gc.set_threshold(50_000)
    typer.run(main)
