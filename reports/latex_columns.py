r"""How a table is printed in LaTeX so that it is no wider than the line: its print, its columns, which way round."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

GAP = 4.0  # \tabcolsep, in points, on both sides of each column
_LONGEST_NUMBER = 20  # characters, with its interval: what is longer is words
_STEPS = 200  # of the search for the widest columns

Cells = Sequence[str]


@dataclass(frozen=True)
class Print:
    """A size of letters, the points that a digit of it takes, and the length of a line: of the class article."""

    size: str
    digit: float
    line: float = 345.0

    @property
    def turned(self) -> bool:
        """Whether the line runs along the long side of the page."""
        return self.line > 345

    def room(self, columns: int) -> float:
        """How many characters a line has, less the gaps of so many columns."""
        return (self.line - 2 * GAP * columns) / self.digit


PRINTS = (  # the first in which a table fits, else the last
    Print("footnotesize", 4.25),
    Print("scriptsize", 3.99),
    Print("footnotesize", 4.25, 550.0),
    Print("scriptsize", 3.99, 550.0),
    Print("tiny", 3.4, 550.0),
)


def fitted(headings: Cells, lines: Sequence[Cells], words: int) -> tuple[Print, str]:
    """The print, and the argument of `longtable` for columns whose first `words` are words and the others numbers.

    Columns that have to break into lines, words in their cells and numbers in their headings alone, are paragraphs of
    a part of the line; these need the package array.
    """
    columns = [list(column) for column in zip(headings, *lines, strict=True)]
    whole = [max(map(len, column)) for column in columns]
    least = [_least(column, place < words) for place, column in enumerate(columns)]
    chosen = next((one for one in PRINTS if sum(least) <= one.room(len(columns))), PRINTS[-1])
    widths = _shared(whole, least, chosen.room(len(columns)))
    parts = [
        width * chosen.digit / chosen.line if width < own else None for own, width in zip(whole, widths, strict=True)
    ]
    return chosen, "".join(_column(part, place < words) for place, part in enumerate(parts))


def long_table(how: Print, columns: str, caption: str, label: str, heading: str, body: Sequence[str]) -> str:
    """A `longtable` of such columns from lines of LaTeX: it goes on from page to page, the caption above the first.

    Needs the packages array, booktabs and longtable; pdflscape where the table stands across a page.
    """
    turn = [r"\begin{landscape}"] if how.turned else []
    turn_back = [r"\end{landscape}"] if how.turned else []
    lengths = rf"\setlength{{\tabcolsep}}{{{GAP:g}pt}}\setlength{{\LTcapwidth}}{{\linewidth}}"
    head = [*turn, rf"\begingroup\{how.size}{lengths}", rf"\begin{{longtable}}{{{columns}}}"]
    above = [r"\toprule", heading, r"\midrule"]
    first = [rf"\caption{{{caption}}}\label{{{label}}}\\", *above, r"\endfirsthead"]
    others = [
        rf"\multicolumn{{{heading.count('&') + 1}}}{{l}}{{\tablename~\thetable, continued}}\\",
        *above,
        r"\endhead",
    ]
    tail = [r"\bottomrule", r"\end{longtable}", r"\endgroup", *turn_back]
    return "\n".join([*head, *first, *others, *body, *tail]) + "\n"


def _least(column: list[str], breaks: bool) -> int:
    """The longest of what is not broken: words, or whole numbers below a heading of words."""
    heading, *cells = column
    numbers = [] if breaks else [cell for cell in cells if len(cell) <= _LONGEST_NUMBER]
    pieces = [heading, *(cell for cell in cells if cell not in numbers)]
    return max(map(len, [*numbers, *(word for text in pieces for word in text.split())]), default=0)


def _shared(whole: list[int], least: list[int], room: float) -> list[float]:
    """As much of `whole` as there is room for; what is broken is as wide as the root of its length."""

    def widths(unit: float) -> list[float]:
        return [min(own, max(low, unit * math.sqrt(own))) for own, low in zip(whole, least, strict=True)]

    largest = max(map(math.sqrt, whole), default=0.0)  # the unit of which nothing is broken
    units = [largest * step / _STEPS for step in range(_STEPS, -1, -1)]
    return next((found for found in map(widths, units) if sum(found) <= room), widths(0))


def _column(part: float | None, is_words: bool) -> str:
    if part is None:
        return "l" if is_words else "r"
    side = "raggedright" if is_words else "raggedleft"
    return rf">{{\{side}\arraybackslash}}p{{{part:.3f}\linewidth}}"
