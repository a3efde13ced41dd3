"""The rows of a store, and what several chapters take from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from reports import rows
from reports.frames import filled
from reports.scaling_points import Scaling, scalings


@dataclass(frozen=True)
class Material:
    """Rows (columns of bench.schema, one row a cell); what is taken from them is made once, when it is asked for.

    `studies` has the rows of those that the store has, by their names in bench.schema.STUDIES, `records` what each
    run left of itself, by run id.
    """

    frame: pd.DataFrame
    studies: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    records: Mapping[str, dict] = field(default_factory=dict)

    @cached_property
    def by_protocol(self) -> dict[str, tuple[pd.DataFrame, int]]:
        """Of each protocol the training rows, the newest of each cell, with a column `line`; how many are older."""
        trained = rows.of_kind(self.frame, "train")
        return {name: rows.of_protocol(trained, name) for name in rows.protocols(trained)}

    @cached_property
    def lined(self) -> dict[str, pd.DataFrame]:
        """The same rows alone."""
        return {name: lined for name, (lined, _) in self.by_protocol.items()}

    @cached_property
    def simulated(self) -> dict[str, pd.DataFrame]:
        """Of these the protocols that make their data: the true H is known."""
        return {name: lined for name, lined in self.lined.items() if not filled(lined, "data")}

    @cached_property
    def recorded(self) -> tuple[pd.DataFrame, int]:
        """The training rows on a user's own data, the newest of each cell; how many are older."""
        return rows.newest_of_each_cell(rows.of_kind(rows.recorded(self.frame), "train"))

    @cached_property
    def no_rows(self) -> pd.DataFrame:
        """An empty frame with the columns of training rows, for a concatenation that may have nothing else."""
        return rows.with_lines(rows.of_kind(self.frame.head(0), "train"))

    @cached_property
    def profiles(self) -> pd.DataFrame:
        return rows.of_kind(self.frame, "profile")

    @cached_property
    def measured(self) -> list[Scaling]:
        return scalings(self.profiles)
