"""report.html: one page that opens from disk: summary, leaderboard, figures, failures, provenance."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from reports import cells, leaderboard, outcomes, summary
from reports.exhibit import Chapter, Exhibit, prose, write
from reports.frames import groups, keep
from reports.provenance import Run

HERE = Path(__file__).parent
_MEDIA = {".png": "image/png", ".svg": "image/svg+xml"}
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True)
class Shown:
    """An exhibit as the page shows it, with the commands that made its cells and what each made."""

    exhibit: Exhibit
    commands: tuple[tuple[str, str], ...]

    @property
    def body(self) -> Markup:
        """The body as HTML; what stands in it as HTML is text."""
        linked = self.exhibit.linked if self.exhibit.shown == self.exhibit.body else ""
        return Markup(_markdown.render(linked or self.exhibit.shown))

    @property
    def picture(self) -> str:
        """The picture as a data URI; empty if there is none."""
        path = self.exhibit.picture
        if path is None:
            return ""
        return f"data:{_MEDIA[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def contents(frame: pd.DataFrame, runs: list[Run], chapters: list[Chapter]) -> dict[str, Any]:
    """What the page tells, by its names in the template; pictures are read by `page`."""
    prepared = leaderboard.prepare(frame)
    return {
        "chapters": [(chapter.title, _shown(chapter, frame, runs)) for chapter in chapters if chapter.exhibits],
        "missing": [sentence for chapter in chapters for sentence in chapter.missing],
        "counts": outcomes.counts(frame),
        "total": len(frame),
        "runs": runs,
        "bests": summary.bests(prepared),
        "board": cells.board(prepared, runs),
        "failures": cells.failures(frame, runs),
    }


def page(told: dict[str, Any], out: Path) -> Path:
    """Writes report.html into `out`; it needs no other file, but links to the others beside it."""
    environment = Environment(
        loader=FileSystemLoader([HERE / "templates", HERE / "vendor"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
    environment.filters["prose"] = prose
    text = environment.get_template("report.html.jinja").render(
        told,
        facet_labels=cells.FACETS,
        style=Markup((HERE / "templates" / "report.css").read_text(encoding="utf-8")),
        scripts=[Markup(path.read_text(encoding="utf-8")) for path in _scripts()],
    )
    return write(out / "report.html", text)


def _scripts() -> list[Path]:
    return [HERE / "vendor" / "dataTables.min.js", HERE / "templates" / "report.js"]


def _shown(chapter: Chapter, frame: pd.DataFrame, runs: list[Run]) -> list[Shown]:
    command_lines = {run.run_id: run.command_line for run in runs}
    shown = []
    for exhibit in chapter.exhibits:
        own = keep(frame, frame["cell_id"].isin(exhibit.cells))
        made = [(run, f"{len(rows)} cell{'s' if len(rows) != 1 else ''}") for (run,), rows in groups(own, ["run_id"])]
        made += [(run, "all of it") for run in exhibit.runs]
        shown.append(Shown(exhibit, tuple((command_lines.get(run, str(run)), what) for run, what in made)))
    return shown
