"""The chapters of a report by name, in the order of the page."""

from collections.abc import Callable
from pathlib import Path

from reports import (
    claims,
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
    ranks,
    recommendation,
    rollouts,
    scaling,
    sweeps,
)
from reports.exhibit import Chapter
from reports.material import Material

CHAPTERS: dict[str, Callable[[Material, Path], Chapter]] = {
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
}
