"""python -m reports.regressions --history DIR --out DIR: verdicts of a night, by default the last, and all series.

Reads the nights as the JSON files that they are. Writes `index.html`, which needs no other file but links to asv's
site where that lies beside it, and `table.md`, the changes alone as Markdown.
"""

import json
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from reports.command import print_files

ALARMS = ("failed", "vanished", "worse")
ORDER = (*ALARMS, "better", "new", "same")
NOT_JUDGED = {"outcome": "new", "baseline": None, "change": None, "threshold": None}
WIDTH, HEIGHT, MARGIN = 160, 28, 3  # of a series, in pixels


@dataclass(frozen=True)
class Line:
    """One benchmark of the night that was judged, as it is printed."""

    name: str
    outcome: str
    value: str
    unit: str
    baseline: str
    change: str
    threshold: str
    failure: str
    series: list[tuple[float, float, str]]  # x, y in pixels, and what the point is


class NoNights(ValueError):
    """The folder holds no night that can be read."""


def build(history: Path, out: Path, night: str | None = None) -> list[Path]:
    """Writes the page and the table. Raises NoNights, or OSError if `out` cannot be written."""
    nights = read_nights(history, night)
    last, lines = nights[-1], lines_of(nights)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    alarms = [line for line in lines if line.outcome in ALARMS]
    site = (out / "asv").is_dir() or (history / "asv").is_dir()
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for template, name in (("regressions.html.jinja", "index.html"), ("regressions.md.jinja", "table.md")):
        files.append(out / name)
        text = environment.get_template(template).render(
            last=last,
            caveat=last.get("caveat"),
            lines=lines,
            alarms=alarms,
            nights=nights,
            site=site,
            width=WIDTH,
            height=HEIGHT,
        )
        files[-1].write_text(text, encoding="utf-8")
    return files


def read_nights(history: Path, judged: str | None = None) -> list[dict]:
    """All nights, that of the oldest commit first, but the one that was judged last: HEAD may be an older commit."""
    try:
        paths = (history / "nights").glob("*.json")
        nights = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in paths}
        keys = {name: (name == judged, night["committed_at"], night["started_at"]) for name, night in nights.items()}
    except (OSError, ValueError, KeyError) as error:
        raise NoNights(f"{history}: a night cannot be read: {error}") from error
    if not nights or judged not in (None, *nights):
        raise NoNights(f"{history} holds no night {judged or ''}: `python -m bench.nightly` writes them")
    return [nights[name] for name in sorted(nights, key=keys.__getitem__)]


def lines_of(nights: list[dict]) -> list[Line]:
    """Every benchmark that the last of the nights measured or missed: alarms first."""
    last = nights[-1]
    names = {*last["figures"], *last["verdicts"]}
    lines = [line_of(name, nights) for name in sorted(names)]
    return sorted(lines, key=lambda line: (ORDER.index(line.outcome), line.name))


def line_of(name: str, nights: list[dict]) -> Line:
    figure = nights[-1]["figures"].get(name, {})
    verdict = nights[-1]["verdicts"].get(name, NOT_JUDGED)
    return Line(
        name=name,
        outcome=verdict["outcome"],
        value=number(value_of(figure)),
        unit=figure.get("unit", ""),
        baseline=number(verdict["baseline"]),
        change=percentage(verdict["change"], sign="+"),
        threshold=percentage(verdict["threshold"]),
        failure=figure.get("failure") or "",
        series=series_of(name, nights),
    )


def value_of(figure: dict) -> float | None:
    return median(figure["samples"]) if figure.get("samples") and not figure.get("failure") else None


def series_of(name: str, nights: list[dict]) -> list[tuple[float, float, str]]:
    """The nights of the last one's machine and version: x by night, y from 0 to the largest value, upwards."""
    last = nights[-1]
    version = last["figures"].get(name, {}).get("version")
    points = []
    for place, night in enumerate(nights):
        figure = night["figures"].get(name, {})
        value = value_of(figure)
        if value is not None and night["machine"] == last["machine"] and version in (None, figure["version"]):
            points.append((place, value, f"{night['commit'][:12]}: {number(value)} {figure['unit']}"))
    step = (WIDTH - 2 * MARGIN) / max(1, len(nights) - 1)
    highest = max((value for _, value, _ in points), default=0.0) or 1.0
    reach = HEIGHT - 2 * MARGIN
    return [
        (round(MARGIN + place * step, 1), round(MARGIN + reach * (1 - value / highest), 1), text)
        for place, value, text in points
    ]


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def percentage(value: float | None, sign: str = "") -> str:
    if value is None or not isfinite(value):
        return "" if value is None else "from 0"
    return f"{100 * value:{sign}.1f} %"


def main(
    history: Annotated[Path, typer.Option(help="Folder that bench.nightly keeps its nights in.")],
    out: Annotated[Path, typer.Option(help="Folder for the page and the table; made if it is not there.")],
    night: Annotated[str | None, typer.Option(help="File of the night in it [that of the newest commit].")] = None,
) -> None:
    """Write the regression report of a night, and print the paths of its files."""
    print_files(lambda: build(history, out, night), NoNights, OSError)


if __name__ == "__main__":
    typer.run(main)
