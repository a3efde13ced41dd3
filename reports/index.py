"""report.md: the page that names every table and figure, their provenance, and what is missing."""

from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import outcomes
from reports.exhibit import Chapter, escape, write
from reports.provenance import Run


def page(frame: pd.DataFrame, runs: list[Run], chapters: list[Chapter], out: Path) -> Path:
    """Writes report.md into `out`, with links relative to it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, not HTML
    )
    environment.filters["escaped"] = escape
    text = environment.get_template("report.md.jinja").render(
        chapters=chapters,
        counts=outcomes.counts(frame),
        missing=[escape(sentence) for chapter in chapters for sentence in chapter.missing],
        runs=runs,
        total=len(frame),
    )
    return write(out / "report.md", text)
