"""The chapters of a report by name, and what they are made from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from reports import (
    energy,
    error_distributions,
    error_table,
    gradient_errors,
    held_out_table,
    learning_curves,
    pareto,
    recommendation,
    rows,
    scaling,
)
from reports.exhibit import Chapter
from reports.scaling_points import Scaling, scalings


@dataclass(frozen=True)
class Material:
    """The rows of a store, and what several chapters take from them, made once and only when it is asked for."""

    frame: pd.DataFrame

    @cached_property
    def profiles(self) -> pd.DataFrame:
        return rows.of_kind(self.frame, "profile")

    @cached_property
    def measured(self) -> list[Scaling]:
        return scalings(self.profiles)


CHAPTERS: dict[str, Callable[[Material, Path], Chapter]] = {
    "error_table": lambda material, out: error_table.chapter(material.frame, out),
    "held_out": lambda material, out: held_out_table.chapter(material.frame, out),
    "recommendation": lambda material, out: recommendation.chapter(material.measured, out),
    "scaling": lambda material, out: scaling.chapter(material.profiles, material.measured, out),
    "gradient_errors": lambda material, out: gradient_errors.chapter(material.measured, out),
    "pareto": lambda material, out: pareto.chapter(material.measured, out),
    "learning_curves": lambda material, out: learning_curves.chapter(material.frame, out),
    "error_distributions": lambda material, out: error_distributions.chapter(material.frame, out),
    "energy": lambda material, out: energy.chapter(material.frame, out),
}
