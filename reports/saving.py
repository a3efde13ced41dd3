"""How figures become files: their formats, the small print below them, the same bytes each time, and how fast."""

import os
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loky import get_reusable_executor
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from reports import theme

FORMATS = ("png", "pdf", "svg")
DPI = 200
ALONE = 16  # figures: beside fewer, a helper would still be starting when they are done
_FOOTER = 0.14  # inches of small print below a figure
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}


@dataclass(frozen=True)
class Edition:
    """How figures are saved: their formats, the line of small print below each, and dots an inch of pictures."""

    formats: tuple[str, ...] = ("png", "pdf")
    footer: str = ""
    dpi: int | None = None  # DPI


@dataclass
class _Desk:
    """Saves the first figures of an edition at once; processes on the other processors save the rest meanwhile."""

    edition: Edition = Edition()
    figures: int = 0
    promised: list[Future] = field(default_factory=list)

    def take(self, figure: Figure, paths: tuple[Path, ...]) -> None:
        self.figures += 1
        helpers = len(os.sched_getaffinity(0)) - 1
        work = (figure, paths, self.edition.footer, self.edition.dpi or DPI)
        if self.figures <= ALONE or not helpers:
            _write(*work)
        else:
            self.promised.append(get_reusable_executor(helpers).submit(_write, *work))

    def finish(self) -> None:
        for promise in self.promised:
            promise.result()


_desk: ContextVar[_Desk | None] = ContextVar("desk", default=None)


@contextmanager
def edition(chosen: Edition) -> Iterator[None]:
    """A context in which figures are saved so; all their files lie there when it ends, or it raises OSError."""
    desk = _Desk(chosen)
    token = _desk.set(desk)
    try:
        yield
        desk.finish()
    finally:
        _desk.reset(token)


def save(figure: Figure, out: Path, name: str) -> tuple[Path, ...]:
    """Has `name` written in each format of the edition, or at once in the usual ones; returns the paths."""
    desk = _desk.get() or _Desk()
    paths = tuple(out / f"{name}.{kind}" for kind in desk.edition.formats)
    desk.take(figure, paths)
    return paths


def _write(figure: Figure, paths: tuple[Path, ...], footer: str, dpi: int) -> None:
    """Without a date or a producer, so that equal data give equal bytes."""
    with theme.style():
        _settle(figure)
        box = _with_footer(figure, footer) if footer else None
        for path in paths:
            figure.savefig(path, dpi=dpi, metadata=_METADATA[path.suffix[1:]], bbox_inches=box)


def _settle(figure: Figure) -> None:
    """Puts everything in its place, once; while a figure has a layout engine, each file costs one drawing more."""
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)


def _with_footer(figure: Figure, footer: str) -> Bbox:
    """Sets the line below the figure, which keeps its layout; returns the area, in inches, that holds both."""
    width, height = figure.get_size_inches()
    for legend in figure.legends:  # or they would move down to the edge of the larger area, onto the line
        legend.set_bbox_to_anchor((0, 0, 1, 1), figure.transFigure)
    figure.text(
        0.5, -0.35 * _FOOTER / height, footer, ha="center", va="center", fontsize=5, color="0.45", in_layout=False
    )
    return Bbox.from_extents(0, -_FOOTER, width, height)
