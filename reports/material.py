"""The rows of a store, and what several chapters take from them."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from reports import rows
from reports.scaling_points import Scaling, scalings


@dataclass(frozen=True)
class Material:
    """Rows (columns of bench.schema, one row a cell); what is taken from them is made once, when it is asked for."""

    frame: pd.DataFrame

    @cached_property
    def trained(self) -> pd.DataFrame:
        return rows.of_kind(self.frame, "train")

    @cached_property
    def profiles(self) -> pd.DataFrame:
        return rows.of_kind(self.frame, "profile")

    @cached_property
    def measured(self) -> list[Scaling]:
        return scalings(self.profiles)
