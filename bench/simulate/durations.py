"""How long made-up cells take: drawn from the wall times of stored ones."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from bench.cell import Cell
from bench.declarations import BadInput
from bench.plan import Durations
from bench.status import Status

LIKENESS = {  # of a stored cell to the one that is played, the closest first
    "of the same kind but for the seed": Durations.AXES,
    "of the same model, gradient mode and length": ("kind", "model", "gradient_mode", "seq_len"),
    "of the same model": ("kind", "model"),
    "of any model": ("kind",),
}


class DrawnDurations:
    """Wall times of cells, each one of those of the stored cells that are most like it."""

    def __init__(self, rows: pd.DataFrame, unknown_s: float | None, stream: np.random.Generator):
        self.likeness: Counter[str] = Counter()  # how many were drawn from which
        self._unknown_s, self._stream = unknown_s, stream
        done = pd.DataFrame(rows[(rows["status"] == Status.OK) & rows["wall_s"].notna()])
        self._pools = {name: _pools(done, axes) for name, axes in LIKENESS.items()}
        self._found: dict[tuple, tuple[str, np.ndarray]] = {}

    def draw(self, cell: Cell) -> float:
        """Seconds. Raises BadInput if neither rows nor the cluster's file tell."""
        key = tuple(getattr(cell, axis) for axis in Durations.AXES)
        if key not in self._found:
            self._found[key] = self._pool(cell)
        name, pool = self._found[key]
        self.likeness[name] += 1
        return float(pool[self._stream.integers(len(pool))])

    def _pool(self, cell: Cell) -> tuple[str, np.ndarray]:
        for name, axes in LIKENESS.items():
            pool = self._pools[name].get(tuple(getattr(cell, axis) for axis in axes))
            if pool is not None:
                return name, pool
        if self._unknown_s is None:
            raise BadInput(
                f"no stored row tells how long {cell.label} takes: name a store that has some (--results), or give "
                "unknown_s in the cluster's file"
            )
        return "of none: unknown_s", np.array([self._unknown_s])


def _pools(rows: pd.DataFrame, axes: tuple[str, ...]) -> dict[tuple, np.ndarray]:
    """The wall times of the rows that agree in these axes."""
    groups: Any = rows.groupby(list(axes), dropna=False)["wall_s"]  # to its types, keys are no tuples
    return {tuple(None if pd.isna(value) else value for value in key): group.to_numpy() for key, group in groups}
