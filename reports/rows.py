"""Which rows stand for what: kinds, protocols, and the line of a table that a training row belongs to."""

from typing import Any, cast

import numpy as np
import pandas as pd

from bench.schema import IDENTITY_COLUMNS
from reports.frames import distinct, groups, keep, narrow, ordered, otherwise, records, varies, where
from reports.published import paper

REFERENCES = ("constant", "true_h")  # models that need no training: every table of H errors carries both
VARIANTS = ("preset", "gradient_mode", "compiled", "integrator", "start_guess", "seq_len", "dtype", "device")
LINED = ("system", "model", "recipe", *VARIANTS, "seed", "cell_id", "line")  # what tells lines and their rows apart
MOST_LINES = 16  # of a figure; more have no colours of their own
_SAME_CELL = (*IDENTITY_COLUMNS, "batch_size")  # a profile's batch comes from its recipe's contents
_CONTENTS = {  # what rows tell of the contents of what they name, and of which rows it is the same
    "protocol_content": ["kind", "protocol", "data"],
    "recipe_content": ["kind", "protocol", "model", "recipe"],
    "noise": ["kind", "protocol"],
    "train_starts": ["kind", "protocol"],
    "data": ["kind", "protocol", "system"],
}


def of_kind(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Rows of kind 'train' or 'profile', of any status, in an order that does not depend on the store's."""
    rows = where(frame, kind=kind)
    rows = rows.assign(seq_len=rows["seq_len"].astype("Int64"))
    return ordered(rows, ["system", "model", "seed", "cell_id"]).reset_index(drop=True)


def ok(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows that were measured to the end; no other row enters an average or a figure."""
    return where(rows, status="ok")


def recorded(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of a user's own data, of which the true H is not known."""
    return keep(frame, frame["data"].notna())


def protocols(rows: pd.DataFrame) -> list[str]:
    """Sorted names."""
    return sorted(distinct(rows, "protocol"))


def systems(rows: pd.DataFrame) -> list[str]:
    """The paper's systems in its order, then the others by name."""
    order, present = paper().systems, set(distinct(rows, "system"))
    return [name for name in order if name in present] + sorted(present - set(order))


def seeds(rows: pd.DataFrame) -> list[int]:
    """Sorted, without repeats."""
    return sorted(int(seed) for seed in distinct(rows, "seed"))


def of_protocol(rows: pd.DataFrame, protocol: str) -> tuple[pd.DataFrame, int]:
    """Rows of a protocol, the newest of each cell, with a column `line`; and how many were dropped."""
    newest, dropped = newest_of_each_cell(where(rows, protocol=protocol))
    return with_lines(newest), dropped


def newest_of_each_cell(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """One row an identity, all of one protocol's and recipe's contents, and how many were dropped.

    A protocol or recipe whose contents changed under the same name leaves rows of equal identity and
    different `cell_id`; the one that started last stays. Rows that no newer one stands for are dropped too if they
    tell of other contents than the last ok row (the last row without any): of the protocol, of a model's recipe, of
    the data.
    """
    columns = list(dict.fromkeys(["started_at", "cell_id", "status", *_SAME_CELL, *_CONTENTS]))
    by_age = ordered(narrow(rows, columns), ["started_at", "cell_id"])
    newest = by_age.drop_duplicates(list(_SAME_CELL), keep="last")
    for name, by in _CONTENTS.items():
        of_ok = newest[name].where(newest["status"] == "ok")  # a cell that is skipped or fails hides no result
        known = cast(Any, newest.assign(of_ok=of_ok)).groupby(by, dropna=False)
        last = known["of_ok"].transform("last").fillna(known[name].transform("last"))
        newest = keep(newest, newest[name].isna() | (newest[name] == last))
    places = newest.index.sort_values()
    chosen = rows if len(places) == len(rows) else cast(pd.DataFrame, rows.loc[places])
    return chosen.reset_index(drop=True), len(rows) - len(places)


def with_lines(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds `line`: model and recipe, and of VARIANTS whatever differs between the rows of that model."""
    identity = narrow(rows, ["model", "recipe", *VARIANTS])
    numbers = cast(Any, identity).groupby(list(identity.columns), dropna=False, sort=False).ngroup().to_numpy()
    unique = identity.drop_duplicates()  # in the order of these numbers
    labels = pd.Series(index=unique.index, dtype=object)
    for (model,), own in groups(unique, ["model"]):
        labels.loc[own.index] = _labels(model, own)
    return rows.assign(line=labels.to_numpy()[numbers])


def lines(rows: pd.DataFrame) -> list[str]:
    """Labels of `with_lines`: both references, present or not, then trained models by their identity."""
    identity = ["model", "recipe", *VARIANTS]
    trained = otherwise(narrow(rows, [*identity, "line"]).drop_duplicates(), "model", *REFERENCES)
    return [*REFERENCES, *distinct(ordered(trained, identity), "line")]


def drawn(rows: pd.DataFrame, shows: str) -> tuple[pd.DataFrame, int]:
    """Of the rows with the column that a figure shows, those of the lines it has room for, and how many it has not.

    All of them if they are no more than MOST_LINES; else of each model the line with the least validation loss
    (geometric mean over systems and seeds; the first by name without one).
    """
    rows = keep(rows, rows[shows].notna())
    present = [line for line in lines(rows) if line not in REFERENCES]
    if len(present) <= MOST_LINES:
        return rows, 0
    chosen = [leading_line(own) for _, own in groups(otherwise(rows, "model", *REFERENCES), ["model"])][:MOST_LINES]
    kept = cast(pd.DataFrame, rows.loc[rows["line"].isin([*chosen, *REFERENCES])])
    return kept, len(present) - len(chosen)


def room(left_out: int, where_they_are: str = "in the tables alone") -> str:
    """The sentence of a caption about lines that were left out; empty if none were."""
    if not left_out:
        return ""
    return f" Of each model the line with the least validation loss; {left_out} other lines are {where_they_are}."


def leading_line(rows: pd.DataFrame) -> str:
    """The line of least validation loss, geometric mean over systems and seeds; the first by name without one."""
    losses = rows["validation_loss"].where(rows["validation_loss"] > 0)
    means = cast(Any, losses.map(np.log)).groupby(rows["line"]).mean()
    return str(means.sort_index().fillna(np.inf).idxmin())


def numbers(value: Any) -> np.ndarray:
    """A list column's entry as a float array, empty where the entry is null."""
    return np.asarray(value, dtype=float) if isinstance(value, (list, tuple, np.ndarray)) else np.empty(0)


def _labels(model: str, rows: pd.DataFrame) -> list[str]:
    if model in REFERENCES:
        return [model] * len(rows)
    differing = [column for column in VARIANTS if varies(rows, column)]
    return [_label(model, row, differing) for row in records(rows)]


def _label(model: str, row: dict, differing: list[str]) -> str:
    said = {"seq_len": f"N={row['seq_len']}", "compiled": "compiled"}
    present = [name for name in ("recipe", *differing) if pd.notna(row[name]) and row[name] is not False]
    details = [said.get(name, str(row[name])) for name in present]
    return f"{model} ({', '.join(details)})" if details else model
