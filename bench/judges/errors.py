"""Errors of H and of the field on the test sets, each set as a whole and by population.

The offset of H, which no trajectory shows, is the mean difference on a calibration set: an independent draw
from the same distribution (for the grid, the uniform one). No scale is fitted.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from bench.judges.points import populations, test_points
from bench.protocol import Protocol
from bench.schema import POPULATIONS, QUANTILES, TEST_SETS
from models.base import Model
from systems.base import System

CHUNK = 1024  # points judged at once: what a wide net makes of them stays in the processor's cache
Columns = dict[str, float | list[float]]


def error_columns(model: Model, system_name: str, system: System, protocol: Protocol) -> Columns:
    """The columns of what the model has, H or a field or both; none for a flow."""
    columns: Columns = {}
    for name in TEST_SETS:
        points = test_points(name, "test", system_name, system, protocol)
        energy = in_chunks(system.hamiltonian, points)
        parts = populations(points, energy, system_name, system, protocol)
        masks = {f"{name}_{part}": parts[part] for part in POPULATIONS[name]}
        if model.has_hamiltonian:
            calibration = test_points("ru" if name == "sg" else name, "calibration", system_name, system, protocol)
            offset = h_difference(model, system, calibration).mean()
            raw = in_chunks(model.hamiltonian, points) - energy
            columns |= suffixed(h_summary(raw, energy, offset) | h_tails(raw - offset), name)
            for part, mask in masks.items():
                columns |= suffixed(h_summary(raw[mask], energy[mask], offset), part)
        if model.has_field:
            truth = in_chunks(system.field, points)
            difference = in_chunks(model.field, points) - truth
            columns[f"field_error_{name}"] = ratio(difference, truth)
            for part, mask in masks.items():
                columns |= suffixed({"field_error": ratio(difference[mask], truth[mask])} if mask.any() else {}, part)
        if model.has_hamiltonian or model.has_field:
            columns |= {f"share_{part}": float(mask.double().mean()) for part, mask in masks.items()}
    if model.has_field:
        columns["field_error"] = columns["field_error_ru"]
    return columns


def h_summary(raw: Float[Tensor, " points"], energy: Float[Tensor, " points"], offset: Float[Tensor, ""]) -> Columns:
    """Of raw = H_pred - H_true at points of these H_true, with and without the offset; none without two points."""
    if len(raw) < 2:
        return {}
    return {
        "h_mae": float((raw - offset).abs().mean()),
        "h_raw_mae": float(raw.abs().mean()),
        "h_r2": float(1 - raw.var() / energy.var()),
    }


def h_tails(error: Float[Tensor, " points"]) -> Columns:
    """Quantiles of |error|."""
    error = error.abs()
    return {
        "h_median": float(error.median()),
        "h_q90": float(torch.quantile(error, 0.9)),
        "h_q99": float(torch.quantile(error, 0.99)),
        "h_quantiles": torch.quantile(error, torch.linspace(0, 1, QUANTILES, dtype=error.dtype)).tolist(),
    }


def h_difference(model: Model, system: System, points: Float[Tensor, "points dim"]) -> Float[Tensor, " points"]:
    """H_pred - H_true, point by point."""
    return in_chunks(model.hamiltonian, points) - in_chunks(system.hamiltonian, points)


def ratio(difference: Float[Tensor, "points dim"], truth: Float[Tensor, "points dim"]) -> float:
    """||f_pred - f|| / ||f||, norms over all points."""
    return float(difference.norm() / truth.norm())


def suffixed(columns: Columns, suffix: str) -> Columns:
    return {f"{name}_{suffix}": value for name, value in columns.items()}


def in_chunks(function, points: Float[Tensor, "points dim"]) -> Tensor:
    with torch.no_grad():
        return torch.cat([function(chunk) for chunk in points.split(CHUNK)])
