"""How figures become files: their formats, the small print below them, the same bytes each time, and how fast."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cloudpickle
import loky
import numpy as np
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from reports import theme

FORMATS = ("png", "pdf", "svg")
DPI = 200
ALONE = 12  # figures: beside fewer, as most stores have, a helper costs more to start than it saves
MOST_HELPERS = 4  # each has the memory of its libraries, 150 MB
PATIENCE_S = 300  # for which a helper waits for more work
_PLACES = 6  # digits of where things are, in parts of the figure
_FOOTER = 0.14  # inches of small print below a figure
_OPTIONS: dict[str, dict[str, Any]] = {
    # level 6, the usual one, takes half as long again for the same size
    "png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 3}},
    "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
    "svg": {"metadata": {"Date": None, "Creator": None}},
}


@dataclass(frozen=True)
class Edition:
    """How figures are saved: their formats, the line of small print below each, and dots an inch of pictures."""

    formats: tuple[str, ...] = ("png", "pdf")
    footer: str = ""
    dpi: int | None = None  # DPI


How = tuple[tuple[Path, ...], str, int]  # the files of a figure, small print and dots an inch
Work = tuple[bytes, tuple[Path, ...], str, int]  # a figure, packed, and how it is to be saved


@dataclass
class _Desk:
    """Saves the figures of an edition: if they are many, processes on the other processors begin with the first."""

    edition: Edition
    helpers: int = field(default_factory=lambda: min(loky.cpu_count() - 1, MOST_HELPERS))
    figures: int = 0
    waiting: list[tuple[Figure, How]] = field(default_factory=list)
    promised: deque[tuple[Future, Work]] = field(default_factory=deque)

    def take(self, figure: Figure, paths: tuple[Path, ...]) -> None:
        how = (paths, self.edition.footer, self.edition.dpi or DPI)
        if not self.helpers:
            _write(figure, *how)
            return
        self.figures += 1
        self.waiting.append((figure, how))
        if self.figures > ALONE:
            self._promise()

    def _promise(self) -> None:
        for figure, how in self.waiting:
            work = (cloudpickle.dumps(figure), *how)  # a tenth of the memory that figures hold, while they wait
            try:
                helper = loky.get_reusable_executor(self.helpers, timeout=PATIENCE_S)
                self.promised.append((helper.submit(_write_packed, *work), work))
            except BrokenProcessPool:  # a helper was killed, and this executor does not know it yet
                _write_packed(*work)
        self.waiting.clear()
        while self.promised and self.promised[0][0].done():
            _keep(*self.promised.popleft())

    def finish(self) -> None:
        """Saves what waits, the last first, until all is done."""
        while self.waiting:
            figure, how = self.waiting.pop()
            _write(figure, *how)
        while self.promised:
            promise, work = self.promised.pop()
            if promise.cancel():
                _write_packed(*work)
            else:
                _keep(promise, work)

    def abandon(self) -> None:
        """Leaves undone what no helper has begun, and waits until none writes any more."""
        wait([promise for promise, _ in self.promised if not promise.cancel()])


def _keep(promise: Future, work: Work) -> None:
    """What a helper promised; done here if it was killed, as for its memory."""
    try:
        promise.result()
    except BrokenProcessPool:
        _write_packed(*work)


_desk: ContextVar[_Desk | None] = ContextVar("desk", default=None)


@contextmanager
def edition(chosen: Edition) -> Iterator[None]:
    """A context in which figures are saved so. All files lie there when it ends, or it raises what went wrong."""
    desk = _Desk(chosen)
    token = _desk.set(desk)
    try:
        yield
        desk.finish()
    finally:
        desk.abandon()
        _desk.reset(token)


@contextmanager
def footed(footer: str) -> Iterator[None]:
    """The edition that there is, with other small print; its figures lie there when this ends."""
    desk = _desk.get()
    with edition(replace(desk.edition if desk else Edition(), footer=footer)):
        yield


def save(figure: Figure, out: Path, name: str) -> tuple[Path, ...]:
    """Has `name` written in each format of the edition, before that ends; at once in the usual ones without one."""
    if (desk := _desk.get()) is None:
        with edition(Edition()):
            return save(figure, out, name)
    paths = tuple(out / f"{name}.{kind}" for kind in desk.edition.formats)
    desk.take(figure, paths)
    return paths


def _write_packed(figure: bytes, paths: tuple[Path, ...], footer: str, dpi: int) -> None:
    _write(cloudpickle.loads(figure), paths, footer, dpi)


def _write(figure: Figure, paths: tuple[Path, ...], footer: str, dpi: int) -> None:
    """Without a date or a producer, so that equal data give equal bytes."""
    with theme.style():
        figure.set_dpi(dpi)  # of the picture: letters are a little wider or narrower at another
        _settle(figure)
        box = _with_footer(figure, footer) if footer else None
        for path in paths:
            figure.savefig(path, dpi=dpi, bbox_inches=box, **_OPTIONS[path.suffix[1:]])


def _settle(figure: Figure) -> None:
    """Puts everything in its place, once; while a figure has a layout engine, each file costs one drawing more.

    Places are rounded: their last bits differ from process to process, and some lie between two pixels.
    """
    if (engine := figure.get_layout_engine()) is None:
        return
    engine.execute(figure)
    figure.set_layout_engine(None)
    for axis in figure.axes:
        left, bottom, width, height = np.round(axis.get_position(original=True).bounds, _PLACES)
        axis.set_position((left, bottom, width, height))
    for text in figure.texts:
        text.set_position(tuple(np.round(text.get_position(), _PLACES)))


def _with_footer(figure: Figure, footer: str) -> Bbox:
    """Sets the line below the figure, which keeps its layout; returns the area, in inches, that holds both."""
    width, height = figure.get_size_inches()
    for legend in figure.legends:  # or they would move down to the edge of the larger area, onto the line
        legend.set_bbox_to_anchor((0, 0, 1, 1), figure.transFigure)
    figure.text(
        0.5, -0.35 * _FOOTER / height, footer, ha="center", va="center", fontsize=5, color="0.45", in_layout=False
    )
    return Bbox.from_extents(0, -_FOOTER, width, height)
