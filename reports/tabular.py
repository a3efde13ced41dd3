"""Plain tables from headings and cells of text: Markdown pipes and LaTeX with booktabs rules."""

from collections.abc import Sequence

from reports.error_latex import escape as escape_latex

Cells = Sequence[str]


def markdown(headings: Cells, lines: Sequence[Cells], words: int = 1) -> str:
    """A pipe table; the first `words` columns are aligned left, the others, numbers, right."""
    rule = ["---"] * words + ["---:"] * (len(headings) - words)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (headings, rule, *lines)) + "\n"


def latex(headings: Cells, lines: Sequence[Cells], caption: str, label: str, words: int = 1) -> str:
    """A `longtable` in small print, everything escaped, ruled where the first cell changes. Needs booktabs too."""
    body: list[str] = []
    for place, cells in enumerate(lines):
        if place > 0 and cells[0] != lines[place - 1][0]:
            body.append(r"\midrule")
        body.append(_row(cells))
    columns = "l" * words + "r" * (len(headings) - words)
    head = [r"\begingroup\footnotesize", rf"\begin{{longtable}}{{{columns}}}"]
    head += [rf"\caption{{{escape_latex(caption)}}}\label{{{label}}}\\", r"\toprule", _row(headings), r"\midrule"]
    tail = [r"\bottomrule", r"\end{longtable}", r"\endgroup"]
    return "\n".join([*head, r"\endhead", *body, *tail]) + "\n"


def _row(cells: Cells) -> str:
    return " & ".join(escape_latex(cell) for cell in cells) + r" \\"
