"""The error table as LaTeX; needs the packages amsmath, booktabs and graphicx, a long one those of `long_table`."""

import pandas as pd

from bench.schema import TEST_SETS
from reports.error_markdown import HEADINGS, by_line, seeds_text
from reports.exhibit import prose
from reports.frames import distinct, where
from reports.latex_columns import fitted, long_table
from reports.numerals import quoted_latex, with_interval, with_interval_latex

_HEADINGS = ["model (recipe)", *(HEADINGS[name] for name in TEST_SETS), "seeds"]
MOST_FLOATING = 30  # lines that fit on a page of the class article with caption and notes
_WIDEST = f"{with_interval(1.23e-3, 4.5e-4)} (=)"  # a number

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "†": r"$^\dagger$",
    "–": "--",
    "−": "$-$",
    "…": r"\ldots{}",
    "∞": r"$\infty$",
}


_TWO_DASHES = "\0"
_SIGNS = {"+": "+", "−": "-", "=": "="}


def escape(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    as_it_is = "".join(_ESCAPES.get(character, character) for character in text.replace("--", _TWO_DASHES))
    return as_it_is.replace(_TWO_DASHES, "-{}-")  # of an option: LaTeX makes one dash of two


def render(measured: pd.DataFrame, published: pd.DataFrame, notes: tuple[str, ...], caption: str, label: str) -> str:
    """With booktabs rules, one group of lines a system, and notes below in small print.

    A `table` environment, which floats, if it fits on a page; else a `long_table`.
    """
    body = [
        line
        for system in distinct(measured, "system")
        for line in _group(system, where(measured, system=system), where(published, system=system))
    ]
    small = [escape(note) + r"\par" for note in notes]
    if len(body) <= MOST_FLOATING:
        return _floating(body, small, escape(caption), label)
    plain = [[line, *[_WIDEST] * len(TEST_SETS), "100 seeds"] for line in distinct(measured, "line")]
    table = long_table(*fitted(_HEADINGS, plain, 1), escape(caption), label, _row(_HEADINGS), body[1:])
    return "\n".join([table, r"{\footnotesize\raggedright", *small]) + "}\n"


def _floating(body: list[str], notes: list[str], caption: str, label: str) -> str:
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption}}}",
        rf"\label{{{label}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",  # no wider than the line, nor enlarged
        r"\begin{tabular}{l" + "r" * len(TEST_SETS) + "l}",
        r"\toprule",
        _row(_HEADINGS),
        *body,
        r"\bottomrule",
        r"\end{tabular}}",
        "",
        r"\medskip\footnotesize\raggedright",
    ]
    return "\n".join([*lines, *notes, r"\end{table}"]) + "\n"


def _group(system: str, measured: pd.DataFrame, published: pd.DataFrame) -> list[str]:
    heading = rf"\multicolumn{{{len(TEST_SETS) + 2}}}{{l}}{{\emph{{{escape(prose(system))}}}}} \\"
    ours = [_row(_measured_line(own)) for own in by_line(measured)]
    theirs = [_row(_published_line(own)) for own in by_line(published)]
    return [r"\midrule", heading, *ours, *theirs]


def _measured_line(entries: dict[str, dict]) -> list[str]:
    values = [_value(entries[name]) for name in TEST_SETS]
    return [escape(entries[TEST_SETS[0]]["line"]), *values, seeds_text(entries)]


def _published_line(entries: dict[str, dict]) -> list[str]:
    values = [f"${quoted_latex(entries[name]['quoted'])}$" for name in TEST_SETS]
    return [f"{escape(entries[TEST_SETS[0]]['line'])}, published", *values, "--"]


def _value(entry: dict) -> str:
    number = with_interval_latex(entry["mean"], entry["high"] - entry["mean"])
    if entry["at_or_below_paper"]:
        number = rf"\mathbf{{{number}}}"
    dagger = r"{}^{\dagger}" if entry["no_better_than_constant"] else ""
    sign = rf"\ ({_SIGNS[entry['sign']]})" if entry["sign"] else ""
    return f"${number}{dagger}{sign}$"


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"
