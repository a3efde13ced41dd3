"""Selecting from a DataFrame with types that hold: pandas' own mostly say DataFrame | Series."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype as is_numeric

Values = dict[str, np.ndarray]  # of some rows, by column


def where(frame: pd.DataFrame, **equal: object) -> pd.DataFrame:
    """The rows whose columns have these values."""
    mask = pd.Series(True, index=frame.index)
    for column, value in equal.items():
        mask &= frame[column].eq(value).fillna(False).astype(bool)
    return cast(pd.DataFrame, frame.loc[mask])


def otherwise(frame: pd.DataFrame, column: str, *values: object) -> pd.DataFrame:
    """The rows whose column has none of these values."""
    return cast(pd.DataFrame, frame.loc[~frame[column].isin(list(values))])


def groups(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[tuple, pd.DataFrame]]:
    """(values of the columns, their rows), sorted by the values; a null is a value like any other."""
    yield from cast(Any, frame.groupby(list(columns), dropna=False, sort=True))


def narrow(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """These columns alone: every selection of rows copies all that there are."""
    return cast(pd.DataFrame, frame[list(names)])


def arrays(frame: pd.DataFrame, by: Sequence[str], names: Sequence[str]) -> dict[tuple, Values]:
    """The named columns of each group as arrays: of thousands of groups a hundred times faster than as frames."""
    columns = {name: np.asarray(frame[name], dtype=None if is_numeric(frame[name]) else object) for name in names}
    places = cast(Any, frame.groupby(list(by), dropna=False)).indices
    return {key: {name: column[own] for name, column in columns.items()} for key, own in places.items()}


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """One dict a row."""
    return cast(Any, frame).to_dict("records")


def ordered(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Sorted by the columns, nulls first, rows of equal values in the order that they had."""
    return cast(Any, frame).sort_values(list(columns), kind="stable", na_position="first")


def distinct(frame: pd.DataFrame, column: str) -> list[Any]:
    """The column's values without nulls or repeats, in the order of their first appearance."""
    return list(cast(Any, frame[column]).dropna().unique())


def distinct_pairs(frame: pd.DataFrame, first: str, second: str) -> list[tuple[Any, Any]]:
    """The pairs of values of two columns without repeats, in the order of their first appearance."""
    return list(cast(Any, frame[[first, second]].drop_duplicates()).itertuples(index=False, name=None))


def varies(frame: pd.DataFrame, column: str) -> bool:
    """Whether the column has more than one value, null counted as one."""
    return cast(Any, frame[column]).nunique(dropna=False) > 1


def filled(frame: pd.DataFrame, column: str) -> bool:
    """Whether the column has any value."""
    return bool(cast(Any, frame[column]).notna().any())


def mean(frame: pd.DataFrame, column: str) -> float:
    """Mean of the values that are not null; NaN without any."""
    return float(cast(Any, frame[column]).mean())


def median(frame: pd.DataFrame, column: str) -> float:
    """Median of the values that are not null; NaN without any."""
    return float(cast(Any, frame[column]).median())


def keep(frame: pd.DataFrame, mask: Any) -> pd.DataFrame:
    """The rows for which the mask, a boolean Series, is true."""
    return cast(pd.DataFrame, frame.loc[mask])


def column(frame: pd.DataFrame, name: str) -> pd.Series:
    """One column."""
    return cast(pd.Series, frame[name])


def positive(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    """The rows in which all of these columns have a number above 0: those that a logarithmic axis has a place for."""
    return keep(frame, (frame[list(names)].fillna(0) > 0).all(axis=1))


def is_null(value: object) -> bool:
    """Whether a scalar is None, NaN or NA."""
    return bool(cast(Any, pd.isna)(value))
