"""What a report is made of: exhibits (a table or a figure) in chapters, and the files that they lie in."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv

_LONGEST_SHOWN = 200  # lines of a body that the index shows


@dataclass(frozen=True)
class Exhibit:
    """A table or figure: its files, the Markdown (`body`) that pages show below the caption, its cells' ids.

    `linked` is the same body with links from its numbers to the leaderboard of the HTML page, where it has such.
    `runs` are those of a study's rows, which have no cells.
    """

    title: str
    caption: str
    files: tuple[Path, ...]
    body: str = ""
    cells: tuple[str, ...] = ()
    linked: str = ""
    runs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What its files are called."""
        return self.files[0].stem

    @property
    def picture(self) -> Path | None:
        """The file that pages show, if there is one."""
        return next((path for kind in (".png", ".svg") for path in self.files if path.suffix == kind), None)

    @property
    def shown(self) -> str:
        """The body, or where to find it if it would bury the rest of the index."""
        lines = self.body.count("\n")
        return (
            self.body
            if lines <= _LONGEST_SHOWN
            else f"{lines} lines: see [{self.files[0].name}]({self.files[0].name}).\n"
        )


@dataclass(frozen=True)
class Chapter:
    """Exhibits of one kind, and a sentence for each that could not be made."""

    title: str
    exhibits: tuple[Exhibit, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def files(self) -> list[Path]:
        return [path for exhibit in self.exhibits for path in exhibit.files]


def ids(points: pd.DataFrame) -> tuple[str, ...]:
    """The ids of the cells behind a table, whose column `cell_ids` joins those of each row by ';'."""
    return tuple(sorted({cell for joined in points["cell_ids"].unique() for cell in joined.split(";") if cell}))


def cells_link(metric: str, cells: Iterable[str]) -> str:
    """Where a number of the HTML page leads: to the entries of its leaderboard that these cells belong to."""
    return f"#cells/{metric}/{'+'.join(cells)}"


def stem(*words: object) -> str:
    """A file name without its ending: the words that are not empty, joined by '_', free of odd characters."""
    return "_".join(re.sub(r"[^\w.=-]+", "-", str(word)) for word in words if str(word))


def prose(name: str) -> str:
    """A registered name as it stands in a title: 'double_well' is 'double well'."""
    return name.replace("_", " ")


def escape(text: str) -> str:
    """Text that Markdown shows as it stands, in a table too."""
    return re.sub(r"([\\|<*`\[\]]|&(?=#?\w+;)|(?<!\w)_|_(?!\w))", r"\\\1", text)


def write(path: Path, text: str) -> Path:
    """Writes UTF-8 with '\\n' line ends on every machine; returns the path."""
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def write_csv(path: Path, frame: pd.DataFrame) -> Path:
    """Writes the columns of a table, which Arrow does in a tenth of pandas' time; returns the path."""
    csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), path, csv.WriteOptions(quoting_header="none"))
    return path
