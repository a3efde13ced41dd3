"""python -m reports.gallery --results DIR --results DIR --out docs: figures of stores on one page of Markdown.

Writes `gallery.md` and the pictures that it shows, `gallery/STORE_FIGURE.png`; pictures that were there before go.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.store import StoreError, read, records, studies
from reports import provenance, saving
from reports.build import NoReport
from reports.chapters import CHAPTERS
from reports.command import print_files
from reports.exhibit import Exhibit, escape, stem, write
from reports.material import Material
from reports.provenance import Run
from reports.saving import Edition

PAGE, FOLDER = "gallery.md", "gallery"
MOST = 3  # figures of a chapter
DPI = 110  # of pictures that stand in a repository


@dataclass(frozen=True)
class Hung:
    """A picture in its place, and what is told of it."""

    path: Path
    exhibit: Exhibit
    commands: tuple[str, ...]


def build(stores: Sequence[Path], out: Path) -> list[Path]:
    """Writes page and pictures; returns them. Raises StoreError, NoReport for a store without figures, OSError."""
    with tempfile.TemporaryDirectory() as scratch:
        rooms = [(store, list(hung(store, Path(scratch)))) for store in stores]
        for store, pictures in rooms:
            if not pictures:
                raise NoReport(f"{store} has nothing that a figure shows")
        shutil.rmtree(out / FOLDER, ignore_errors=True)
        (out / FOLDER).mkdir(parents=True)
        for _, pictures in rooms:
            for picture in pictures:
                shutil.copyfile(picture.path, out / FOLDER / picture.path.name)
    blocks = [_intro(stores, out), *(block for store, pictures in rooms for block in _room(store, pictures))]
    files = [out / FOLDER / picture.path.name for _, pictures in rooms for picture in pictures]
    return [write(out / PAGE, "\n\n".join(blocks) + "\n"), *files]


def hung(store: Path, scratch: Path) -> Iterator[Hung]:
    """The first figures of each chapter of a store's report."""
    material = Material(read(store), studies(store), records(store))
    frame, runs = material.frame, provenance.runs(material)
    run_of = dict(zip(frame["cell_id"], frame["run_id"], strict=True))
    folder = scratch / store.name
    folder.mkdir()
    with saving.edition(Edition(("png",), provenance.of_cells(material), DPI)):
        chapters = [make(material, folder) for make in CHAPTERS.values()]
    for chapter in chapters:
        shown = [exhibit for exhibit in chapter.exhibits if exhibit.picture]
        for exhibit in shown[:MOST]:
            named = {*exhibit.runs, *(run_of[cell] for cell in exhibit.cells)}
            path = folder / f"{stem(store.name, exhibit.name)}.png"
            shutil.copyfile(folder / f"{exhibit.name}.png", path)
            yield Hung(path, exhibit, tuple(_commands(runs, named)))


def _commands(runs: list[Run], named: set[str]) -> list[str]:
    return list(dict.fromkeys(run.command_line for run in runs if run.run_id in named and run.record))


def _intro(stores: Sequence[Path], out: Path) -> str:
    options = " ".join(f"--results {store}" for store in stores)
    return (
        "# Gallery\n\nFigures of real runs, with what made them. The report of a store has more of them, the "
        "tables, and every number's rows. All of it anew, once the stores are there:\n\n"
        f"    python -m reports.gallery {options} --out {out}"
    )


def _room(store: Path, pictures: list[Hung]) -> Iterator[str]:
    yield f"## {escape(store.name)}"
    for picture in pictures:
        yield f"### {escape(picture.exhibit.title)}"
        yield f"![{escape(picture.exhibit.title)}]({FOLDER}/{picture.path.name})"
        yield escape(picture.exhibit.caption)
        if picture.commands:
            yield "Made by " + ", ".join(f"`{command}`" for command in picture.commands) + "."


def main(
    out: Annotated[Path, typer.Option(help="Folder for the page, and for a folder of its pictures.")],
    results: Annotated[list[Path], typer.Option(help="Folder of a store; repeatable.")],
) -> None:
    """Write the figures of stores as one page of Markdown, and print the paths."""
    print_files(lambda: build(results, out), StoreError, NoReport, OSError)


if __name__ == "__main__":
    typer.run(main)
