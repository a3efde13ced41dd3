"""Plain tables from headings and cells of text: Markdown pipes and LaTeX with booktabs rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports.error_latex import escape as escape_latex
from reports.exhibit import Exhibit, escape, write, write_csv
from reports.latex_columns import fitted, long_table

Cells = Sequence[str]
TO_THE_ROWS = (
    "`{name}.csv` names the cells behind each line; `cells.csv` holds their rows, and the command that runs each "
    "again."
)


def markdown(headings: Cells, lines: Sequence[Cells], words: int = 1) -> str:
    """A pipe table; the first `words` columns are aligned left, the others, numbers, right."""
    rule = ["---"] * words + ["---:"] * (len(headings) - words)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (headings, rule, *lines)) + "\n"


def latex(headings: Cells, lines: Sequence[Cells], caption: str, label: str, words: int = 1) -> str:
    """A `long_table` no wider than the line, everything escaped, ruled where the first cell changes."""
    body: list[str] = []
    for place, cells in enumerate(lines):
        if place > 0 and cells[0] != lines[place - 1][0]:
            body.append(r"\midrule")
        body.append(_row(cells))
    chosen, columns = fitted(headings, lines, words)
    return long_table(chosen, columns, escape_latex(caption), label, _row(headings), body)


@dataclass(frozen=True)
class Table:
    """A table as text: `lines` of cells below `headings`, the first `words` columns words and the others numbers.

    `notes` stand below it.
    """

    title: str
    caption: str
    headings: Cells
    lines: Sequence[Cells]
    words: int = 1
    notes: Sequence[str] = ()

    def publish(self, out: Path, name: str, data: pd.DataFrame, cells: tuple[str, ...]) -> Exhibit:
        """Writes `name`.md, .tex and .csv, the last with the numbers of `data`; `cells` are the ids behind it."""
        body = markdown(self.headings, [[escape(cell) for cell in line] for line in self.lines], self.words)
        body += "".join(["\n", *(f"- {escape(note)}\n" for note in self.notes)]) if self.notes else ""
        printed = latex(self.headings, self.lines, self.caption, f"tab:{name}", self.words)
        printed += "".join(f"{{\\footnotesize\\raggedright {escape_latex(note)}\\par}}\n" for note in self.notes)
        files = (
            write(out / f"{name}.md", headed(self.title, self.caption, body) + followed(name, data)),
            write(out / f"{name}.tex", printed),
            write_csv(out / f"{name}.csv", data),
        )
        return Exhibit(self.title, self.caption, files, body, cells)


def headed(title: str, caption: str, body: str) -> str:
    """A page of Markdown; title and caption are text, the body is Markdown."""
    return f"# {escape(title)}\n\n{escape(caption)}\n\n{body}"


def followed(name: str, data: pd.DataFrame) -> str:
    """How a reader of `name`.md gets from a number to its rows, if `name`.csv says which cells are behind it."""
    if "cell_ids" not in data and "cell_id" not in data:
        return ""
    return f"\nFrom a number to its rows: {TO_THE_ROWS.format(name=name)}\n"


def _row(cells: Cells) -> str:
    return " & ".join(escape_latex(cell) for cell in cells) + r" \\"
