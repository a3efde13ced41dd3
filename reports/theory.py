"""Exponents that the complexity table promises, read from theory.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from reports.theme import COMPILED


@dataclass(frozen=True)
class Promise:
    """Memory ~ N^memory and time ~ N^time of one gradient mode; None where the table promises nothing."""

    formula: str = ""
    time: float | None = None
    memory: float | None = None
    memory_all_observed: float | None = None

    def memory_for(self, lengths: pd.Series, observations: pd.Series) -> float | None:
        """The memory exponent when the loss observes so many states at these lengths; unknown counts as constant."""
        if self.memory_all_observed is None or observations.nunique() <= 1:
            return self.memory
        return self.memory_all_observed if observations.eq(lengths).all() else None


@dataclass(frozen=True)
class Theory:
    """The promises by gradient mode, and where they stand."""

    source: str
    modes: dict[str, Promise]

    def of(self, mode: str) -> Promise:
        """An empty promise for a mode that the table does not have. Compiled or not, the promise is the same."""
        return self.modes.get(mode.removesuffix(COMPILED), Promise())


@cache
def complexity_table() -> Theory:
    """The content of theory.toml."""
    content = tomllib.loads((Path(__file__).parent / "theory.toml").read_text(encoding="utf-8"))
    return Theory(content["source"], {mode: Promise(**promise) for mode, promise in content["modes"].items()})
