"""The error table as Markdown."""

import pandas as pd

from bench.schema import TEST_SETS
from reports.exhibit import cells_link, escape
from reports.frames import distinct, records, where
from reports.numerals import ABSENT, with_interval

HEADINGS = {"ru": "RU", "sg": "SG", "gaussian": "Gaussian"}


def render(measured: pd.DataFrame, published: pd.DataFrame, notes: tuple[str, ...], *, linked: bool = False) -> str:
    """A pipe table, one line a (system, line), published ones last in each system, and the notes below.

    Measured numbers are `linked` to their entry of the leaderboard, for the page that has one.
    """
    headings = ["system", "model (recipe)", *(HEADINGS[name] for name in TEST_SETS), "seeds"]
    table = [_pipes(headings), _pipes(["---", "---", *["---:"] * len(TEST_SETS), "---"])]
    for system in distinct(measured, "system"):
        table += [_pipes(_measured_line(own, linked)) for own in by_line(where(measured, system=system))]
        table += [_pipes(_published_line(own)) for own in by_line(where(published, system=system))]
    return "\n".join([*table, "", *(f"- {escape(note)}" for note in notes)]) + "\n"


def by_line(entries: pd.DataFrame) -> list[dict[str, dict]]:
    """The entries of each line by test set, in the order of the lines."""
    found: dict[str, dict[str, dict]] = {}
    for entry in records(entries):
        found.setdefault(entry["line"], {})[entry["test_set"]] = entry
    return list(found.values())


def seeds_text(entries: dict[str, dict]) -> str:
    """'1 seed', '5 seeds', or '3 to 5 seeds' where the test sets differ."""
    numbers = [int(entry["seeds"]) for entry in entries.values()]
    few, many = min(numbers), max(numbers)
    count = str(many) if few == many else f"{few} to {many}"
    return f"{count} seed" if many == 1 else f"{count} seeds"


def _measured_line(entries: dict[str, dict], linked: bool) -> list[str]:
    link = _link if linked else _value
    values = [link(entries[name]) for name in TEST_SETS]
    first = entries[TEST_SETS[0]]
    return [first["system"], escape(first["line"]), *values, seeds_text(entries)]


def _published_line(entries: dict[str, dict]) -> list[str]:
    values = [entries[name]["quoted"] or ABSENT for name in TEST_SETS]
    first = entries[TEST_SETS[0]]
    return [first["system"], f"{first['line']}, published", *values, ABSENT]


def _value(entry: dict) -> str:
    text = with_interval(entry["mean"], entry["high"] - entry["mean"])
    if entry["at_or_below_paper"]:
        text = f"**{text}**"
    marks = [entry["sign"], "†" if entry["no_better_than_constant"] else ""]
    return " ".join([text, *filter(None, marks)])


def _link(entry: dict) -> str:
    """The value, leading to the entries of the leaderboard that its cells belong to, by its metric."""
    link = cells_link(f"h_mae_{entry['test_set']}", entry["cell_ids"].split(";"))
    return f"[{_value(entry)}]({link})" if entry["cell_ids"] else _value(entry)


def _pipes(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
