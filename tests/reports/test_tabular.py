"""Tables as text: as wide as the line at most, and names as they are."""

import re

import pytest

from reports import latex_columns
from reports.claims import ledger
from reports.error_latex import escape
from reports.tabular import headed, latex

SENTENCE = "a sentence that says at length what was measured, on which systems, by which test, and what came out"


def extents(headings: list[str], lines: list[list[str]], words: int) -> tuple[latex_columns.Print, list[float]]:
    """The print, and the points that each column and its gaps take."""
    chosen, columns = latex_columns.fitted(headings, lines, words)
    parts = re.findall(r">\{\\ragged(?:right|left)\\arraybackslash\}p\{([\d.]+)\\linewidth\}|([lr])", columns)
    longest = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
    taken = [
        float(part) * chosen.line if part else own * chosen.digit
        for (part, _), own in zip(parts, longest, strict=True)
    ]
    return chosen, [own + 2 * latex_columns.GAP for own in taken]


def test_a_narrow_table_has_columns_as_wide_as_they_are():
    chosen, columns = latex_columns.fitted(["model", "RU"], [["fshnn (paper)", "(9.13 ± 0.21)e-3"]], 1)
    assert (chosen.size, chosen.turned, columns) == ("footnotesize", False, "lr")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([[SENTENCE, "holds", SENTENCE[:40]]], 3),
        ([[claim.claim, claim.source, claim.command] for claim in ledger()], 3),
        ([["coupled oscillator", *["(9.13 ± 0.21)e-3"] * 6]], 1),
        ([["coupled oscillator", *["1.00 ± <0.01, a = 2.04"] * 11, SENTENCE]], 1),
    ],
    ids=["a sentence", "claims", "numbers", "many long numbers"],
)
def test_a_table_is_no_wider_than_its_line(lines: list[list[str]], words: int):
    chosen, taken = extents([f"heading {number}" for number in range(len(lines[0]))], lines, words)
    assert sum(taken) <= chosen.line + 0.5
    assert chosen.size != "tiny"


def test_text_is_broken_before_numbers_and_the_long_before_the_short():
    lines = [[SENTENCE, SENTENCE[:50], "shnn", "(9.13 ± 0.21)e-3"]]
    _, columns = latex_columns.fitted(["finding", "claim", "model", "ratio of the two"], lines, 3)
    parts = [float(part) for part in re.findall(r"raggedright\\arraybackslash\}p\{([\d.]+)", columns)]
    assert columns.endswith("lr")
    assert parts[0] > parts[1] > 0.2


def test_a_wide_table_is_turned_and_its_rules_are_those_of_booktabs():
    lines = [["coupled oscillator", *["(9.13 ± 0.21)e-3"] * 6]]
    text = latex(list("abcdefg"), lines, "Caption 100 %", "tab:x")
    assert text.startswith("\\begin{landscape}\n\\begingroup\\footnotesize")
    assert text.endswith("\\end{longtable}\n\\endgroup\n\\end{landscape}\n")
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [2, 2, 1], (
        "again on each page"
    )
    assert text.count("Caption") == 1, "above the first page"
    assert text.index(r"\caption") < text.index(r"\endfirsthead") < text.index("continued") < text.index(r"\endhead")
    assert "landscape" not in latex(["a"], [["b"]], "", "tab:y")


def test_names_are_text_in_every_form():
    assert escape(r"$\foo$") == r"\$\textbackslash{}foo\$"
    assert headed("a|b", "*c* [d](e)", "| f |\n") == "# a\\|b\n\n\\*c\\* \\[d\\](e)\n\n| f |\n"
