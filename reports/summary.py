"""What the page says first: the best trained model of each system, beside what it has to beat."""

import math
from dataclasses import dataclass

import pandas as pd

from reports import leaderboard
from reports.exhibit import cells_link, prose
from reports.frames import column, otherwise, records, where
from reports.numerals import ABSENT, with_interval
from reports.published import paper
from reports.rows import REFERENCES
from reports.rows import systems as in_paper_order

_RANKED_BY = "h_mae_ru"


@dataclass(frozen=True)
class Best:
    """The trained model with the least mean error of H on one system under one protocol, numbers as text.

    `link` leads to the cells behind the error on the leaderboard of the page.
    """

    protocol: str
    system: str
    model: str
    error: str
    seeds: int
    constant: str
    published: str
    link: str


def bests(prepared: pd.DataFrame) -> list[Best]:
    """One a (protocol, system) that has a trained model with an error of H, in the paper's order of systems."""
    trained = where(prepared, kind="train")
    table = leaderboard.entries(trained)
    return [
        _best(where(table, protocol=protocol, system=system), protocol, system, column(trained, "cell_id"))
        for protocol in sorted(set(table["protocol"]))
        for system in in_paper_order(where(table, protocol=protocol))
        if len(_trained(where(table, protocol=protocol, system=system)))
    ]


def _trained(table: pd.DataFrame) -> pd.DataFrame:
    return otherwise(table, "model", *REFERENCES).dropna(subset=[f"{_RANKED_BY}_mean"])


def _best(table: pd.DataFrame, protocol: str, system: str, cells: pd.Series) -> Best:
    (first,) = records(_trained(table).nsmallest(1, f"{_RANKED_BY}_mean"))
    constants = column(where(table, model="constant"), f"{_RANKED_BY}_mean").dropna()
    details = ", ".join(str(first[name]) for name in ("preset", "recipe") if pd.notna(first[name]))
    quoted = paper().quoted(system, "ru", paper().own_method) if protocol in paper().comparable_protocols else ""
    return Best(
        protocol=protocol,
        system=prose(system),
        model=f"{first['model']} ({details})" if details else first["model"],
        error=with_interval(first[f"{_RANKED_BY}_mean"], first[f"{_RANKED_BY}_half"]),
        seeds=int(first[f"{_RANKED_BY}_seeds"]),
        constant=with_interval(constants.iloc[0], math.nan) if len(constants) else ABSENT,
        published=quoted or ABSENT,
        link=cells_link(_RANKED_BY, cells.iloc[first["places"]]),
    )
