"""The chapters of a report by name, in the order of the page."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from reports import (
    claims,
    collocation,
    density,
    energy,
    error_cost,
    error_distributions,
    error_table,
    field_maps,
    gradient_errors,
    held_out_table,
    learning_curves,
    pareto,
    poincare,
    provenance,
    ranks,
    recommendation,
    rollouts,
    saving,
    scaling,
    sweeps,
)
from reports.exhibit import Chapter, Exhibit
from reports.frames import distinct
from reports.material import Material

Make = Callable[[Material, Path], Chapter]


def of_study(name: str, title: str, make: Callable[[pd.DataFrame, Path], Iterable[Exhibit]]) -> Make:
    """A chapter of what is made from the rows of one of `bench.studies`."""

    def chapter(material: Material, out: Path) -> Chapter:
        if name not in material.studies:
            command = f"python -m bench.studies {name} --out STORE"
            return Chapter(title, missing=(f"no readable study {name} in the store: not drawn ({command})",))
        rows = material.studies[name]
        runs = tuple(distinct(rows, "run_id"))
        with saving.footed(provenance.of_study(material, name)):
            return Chapter(title, tuple(replace(exhibit, runs=runs) for exhibit in make(rows, out)))

    return chapter


CHAPTERS: dict[str, Make] = {
    "claims": claims.chapter,
    "error_table": error_table.chapter,
    "ranks": ranks.chapter,
    "error_cost": error_cost.chapter,
    "sweeps": sweeps.chapter,
    "held_out": held_out_table.chapter,
    "recommendation": lambda material, out: recommendation.chapter(material.measured, out),
    "scaling": lambda material, out: scaling.chapter(material.profiles, material.measured, out),
    "gradient_errors": lambda material, out: gradient_errors.chapter(material.measured, out),
    "pareto": lambda material, out: pareto.chapter(material.measured, out),
    "field_maps": field_maps.chapter,
    "learning_curves": learning_curves.chapter,
    "error_distributions": error_distributions.chapter,
    "rollouts": rollouts.chapter,
    "energy": energy.chapter,
    "poincare": poincare.chapter,
    "collocation": of_study("collocation", collocation.TITLE, collocation.exhibits),
    "density": of_study("density", density.TITLE, density.exhibits),
}
