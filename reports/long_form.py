"""List columns as long tables, which is the form that figures are drawn from."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

IDENTITY = ("system", "model", "line", "seed", "cell_id")


def long_form(rows: pd.DataFrame, **lists: Sequence[np.ndarray]) -> pd.DataFrame:
    """One row an entry of the lists, one list a row: system, model, line, seed, `cell_ids`, and the entries by name.

    The lists of one row are of one length. Raises ValueError if they are not.
    """
    lengths = [[len(values) for values in column] for column in lists.values()]
    if any(own != lengths[0] for own in lengths):
        raise ValueError(f"lists of one row differ in length: {', '.join(lists)}")
    repeats = np.asarray(lengths[0], dtype=int)
    identity = {name: np.repeat(rows[name].to_numpy(dtype=object), repeats) for name in IDENTITY}
    entries = {name: np.concatenate([np.empty(0), *column]) for name, column in lists.items()}
    return pd.DataFrame({**identity, **entries}).rename(columns={"cell_id": "cell_ids"})
