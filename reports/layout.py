"""What fits: panels on a page, entries of a legend beside one another, words in a line."""

import math
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path

from reports.theme import WIDTH, Look

PAGE = 9.0  # inches: the text height of a page
_MOST_COLUMNS = 4  # of a legend: more are no easier to read
_LONGEST_ENTRY = 100  # characters of an entry in a line: no more go into the width of the page
_LARGEST_SHARE = 0.4  # of a figure's height that its legend may take
_GAP = 2.0  # between columns, as all measures of a legend in sizes of its letters
_PAD = 0.8  # between a line and its label, and on both sides of the legend together
_LINE = 1.5  # height of a line, with the space below it

T = TypeVar("T")


@dataclass(frozen=True)
class Sheet(Generic[T]):
    """What one figure shows of something that one page may have no room for."""

    entries: list[T]
    number: int
    of: int

    @property
    def suffix(self) -> str:
        """What sets its file's name apart; empty for the first."""
        return f"sheet{self.number}" if self.number > 1 else ""

    @property
    def words(self) -> str:
        """' (2 of 3)' after a title; empty for the only one."""
        return f" ({self.number} of {self.of})" if self.of > 1 else ""


def sheets(entries: Sequence[T], height: float, columns: int = 1) -> list[Sheet[T]]:
    """Entries in as few figures as pages need: so many a row, and shares of the rows, each of `height` inches."""
    rows = [list(entries[start : start + columns]) for start in range(0, len(entries), columns)]
    count = math.ceil(len(rows) / max(1, int(PAGE / height)))
    shares = np.array_split(np.arange(len(rows)), count)
    return [
        Sheet([entry for row in share for entry in rows[row]], number, count)
        for number, share in enumerate(shares, 1)
    ]


def line_handles(looks: Mapping[str, Look], present: Collection[str]) -> list[Line2D]:
    """What a legend shows for the lines of `looks` that are present."""
    return [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle=look.dash, label=line)
        for line, look in looks.items()
        if line in present
    ]


def legend_below(figure: Figure, handles: Sequence[Line2D], handlelength: float = 3.0) -> None:
    """A legend below all panels, in as many columns as fit beside one another; call it within theme.style().

    The figure grows if the legend would leave little of it to the panels.
    """
    labels = [textwrap.fill(str(handle.get_label()), _LONGEST_ENTRY) for handle in handles]
    size = matplotlib.rcParams["legend.fontsize"]
    widths = [_width(label, size) / size + handlelength + _PAD for label in labels]
    room = WIDTH * 72 / size - _PAD
    fitting = [
        count
        for count in range(1, min(_MOST_COLUMNS, len(handles)) + 1)
        if sum(max(column) for column in np.array_split(widths, count)) + (count - 1) * _GAP <= room
    ]
    columns = max(fitting, default=1)
    heights = [_LINE * (1 + label.count("\n")) for label in labels]
    tallest = max(sum(column) for column in np.array_split(heights, columns)) * size / 72
    figure.set_figheight(max(figure.get_figheight(), tallest / _LARGEST_SHARE))
    figure.legend(
        list(handles), labels, loc="outside lower center", ncols=columns, frameon=False,
        handlelength=handlelength, handletextpad=_PAD, columnspacing=_GAP,
    )  # fmt: skip


def _width(text: str, size: float) -> float:
    """Points that the longest line of a text takes."""
    font = FontProperties(size=size)
    return max(text_to_path.get_text_width_height_descent(line, font, ismath=False)[0] for line in text.split("\n"))
