"""Two stores side by side: what got better, what got worse, and what is not to be told apart."""

from pathlib import Path

import pandas as pd

from reports import leaderboard
from reports.exhibit import Exhibit, prose
from reports.frames import is_null, records, varies
from reports.leaderboard import IDENTITY, METRICS
from reports.numerals import ABSENT, plain
from reports.significance import FEWEST, METHOD, Comparison, compare, holm, sign
from reports.tabular import Table

_VERDICTS = {"−": "better", "+": "worse", "=": "not to be told apart", "": "not enough seeds to say"}
_ORDER = ("worse", "better", "not to be told apart", "not enough seeds to say", "only in the new", "only in the old")


def changes(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """One row a (leaderboard entry, metric) that either store has.

    `old_mean`, `new_mean` in the metric's `unit`; `ratio` new / old with `low`, `high` (geometric mean over common
    seeds), `pairs`, `p_holm`; `verdict`, one of _ORDER; `old_cells`, `new_cells`. Raises ValueError if the stores
    have no entry in common.
    """
    sides = [_values(rows) for rows in (old, new)]
    if not sides[0].keys() & sides[1].keys():
        raise ValueError("the two stores have no entry in common: there is nothing to compare")
    keys = sorted(sides[0].keys() | sides[1].keys(), key=lambda key: [str(part) for part in key])
    pairs = [tuple(side.get(key, _NOTHING) for side in sides) for key in keys]
    found = [compare(dict(after.seeds), dict(before.seeds)) for before, after in pairs]
    adjusted = holm([comparison.p for comparison in found])
    table = pd.DataFrame(
        [
            _row(key, before, after, comparison, p)
            for key, (before, after), comparison, p in zip(keys, pairs, found, adjusted, strict=True)
        ]
    )
    places = {verdict: place for place, verdict in enumerate(_ORDER)}
    return table.sort_values("verdict", key=lambda column: column.map(places), kind="stable").reset_index(drop=True)


def exhibit(found: pd.DataFrame, out: Path) -> Exhibit:
    """Writes `changes` as compare.md, .tex and .csv into `out`."""
    counts = ", ".join(f"{(found['verdict'] == verdict).sum()} {verdict}" for verdict in _ORDER)
    caption = (
        f"New against old, entry by entry as on the leaderboard (a smaller value is better): {counts}. Ratio: new / "
        f"old, geometric mean over common seeds with its 95 % t-interval; verdict: {METHOD}, over all of them. "
        "An entry is the same if its names are: contents of protocols and recipes may have changed under a name."
    )
    varying = [name for name in IDENTITY if name in ("system", "model") or varies(found, name)]
    names = [name.replace("_", " ") for name in varying]
    headings = ["verdict", *names, "metric", "old", "new", "ratio", "p", "seeds"]
    lines = [_cells(row, varying) for row in records(found)]
    table = Table("New against old", caption, headings, lines, words=len(varying) + 2)
    return table.publish(out, "compare", found, ())


class _Value:
    """The values of one entry in one metric by seed, and the ids of their cells."""

    def __init__(self, seeds: tuple[tuple[int, float], ...] = (), cells: tuple[str, ...] = ()):
        self.seeds, self.cells = seeds, cells

    @property
    def mean(self) -> float:
        return sum(value for _, value in self.seeds) / len(self.seeds) if self.seeds else float("nan")


_NOTHING = _Value()


def _values(frame: pd.DataFrame) -> dict[tuple, _Value]:
    """By identity and metric; nulls are None, so that keys of two stores are equal."""
    rows = leaderboard.prepare(frame)
    found = {}
    for entry in records(leaderboard.entries(rows)):
        own = rows.iloc[entry["places"]]
        identity = tuple(None if is_null(entry[name]) else entry[name] for name in IDENTITY)
        for metric in METRICS:
            known = own.dropna(subset=[metric.column])
            if len(known):
                seeds = tuple(zip(known["seed"], known[metric.column], strict=True))
                found[*identity, metric.label] = _Value(seeds, tuple(sorted(known["cell_id"])))
    return found


def _row(key: tuple, before: _Value, after: _Value, comparison: Comparison, p: float) -> dict:
    units = {metric.label: metric.unit for metric in METRICS}
    verdict = _VERDICTS[sign(comparison, p)]
    if not before.seeds or not after.seeds:
        verdict = "only in the new" if after.seeds else "only in the old"
    elif dict(before.seeds) == dict(after.seeds) and comparison.pairs < FEWEST:
        verdict = "not to be told apart"  # the very same numbers: no seed could tell
    return {
        "verdict": verdict,
        **dict(zip(IDENTITY, key, strict=False)),
        "metric": key[-1],
        "unit": units[key[-1]],
        "old_mean": before.mean,
        "new_mean": after.mean,
        "ratio": comparison.ratio,
        "low": comparison.low,
        "high": comparison.high,
        "p_holm": p,
        "pairs": comparison.pairs,
        "old_cells": ";".join(before.cells),
        "new_cells": ";".join(after.cells),
    }


def _cells(row: dict, varying: list[str]) -> list[str]:
    names = [ABSENT if is_null(row[name]) else str(row[name]) for name in varying]
    names[0] = prose(names[0])
    interval = f" ({plain(row['low'])} to {plain(row['high'])})" if not is_null(row["low"]) else ""
    means = [plain(row["old_mean"]), plain(row["new_mean"])]
    tested = [plain(row["ratio"]) + interval, plain(row["p_holm"], 2), str(row["pairs"])]
    return [row["verdict"], *names, f"{row['metric']} ({row['unit']})", *means, *tested]
