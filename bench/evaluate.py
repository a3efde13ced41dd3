"""Judging a model: errors of H and of the field on the RU, SG and Gaussian test sets, and of its rollouts.

The offset of H, which no trajectory shows, is the mean difference on a calibration set: an independent draw
from the same distribution (for the grid, the uniform one). No scale is fitted.
"""

import torch
from jaxtyping import Float
from torch import Tensor

import systems
from bench.data import data_key
from bench.protocol import Protocol
from bench.rollouts import rollout_columns
from bench.schema import QUANTILES, TEST_SETS
from bench.seeds import generator
from models.base import Model
from systems.base import Box, System

CHUNK = 8192  # points judged at once


def judge(model: Model, system_name: str, protocol: Protocol) -> dict[str, float | list[float]]:
    """The columns of a row that say how good the learned H, field and flow are, as far as there are any. float64."""
    system = systems.get(system_name)()
    model = model.double()
    columns: dict[str, float | list[float]] = {}
    for name in TEST_SETS:
        test = test_points(name, "test", system_name, system, protocol)
        if model.has_hamiltonian:
            calibration = test_points("ru" if name == "sg" else name, "calibration", system_name, system, protocol)
            offset = h_difference(model, system, calibration).mean()
            for column, value in h_columns(model, system, test, offset).items():
                columns[f"{column}_{name}"] = value
        if model.has_field:
            columns[f"field_error_{name}"] = field_error(model, system, test)
    if model.has_field:
        columns["field_error"] = columns["field_error_ru"]
    return columns | rollout_columns(model, system_name, protocol)


def h_columns(
    model: Model, system: System, points: Float[Tensor, "points dim"], offset: Float[Tensor, ""]
) -> dict[str, float | list[float]]:
    """Errors of H on one test set, after `offset` is taken from H_pred - H_true."""
    raw = h_difference(model, system, points)
    error = (raw - offset).abs()
    spread = in_chunks(system.hamiltonian, points).var()
    levels = torch.linspace(0, 1, QUANTILES, dtype=error.dtype)
    quantiles = torch.quantile(error, levels)
    return {
        "h_mae": float(error.mean()),
        "h_median": float(error.median()),
        "h_q90": float(torch.quantile(error, 0.9)),
        "h_q99": float(torch.quantile(error, 0.99)),
        "h_raw_mae": float(raw.abs().mean()),
        "h_r2": float(1 - raw.var() / spread),
        "h_quantiles": quantiles.tolist(),
    }


def h_difference(model: Model, system: System, points: Float[Tensor, "points dim"]) -> Float[Tensor, " points"]:
    """H_pred - H_true, point by point."""
    return in_chunks(model.hamiltonian, points) - in_chunks(system.hamiltonian, points)


def field_error(model: Model, system: System, points: Float[Tensor, "points dim"]) -> float:
    """||f_pred - f|| / ||f||, norms over all points."""
    truth = in_chunks(system.field, points)
    return float((in_chunks(model.field, points) - truth).norm() / truth.norm())


def in_chunks(function, points: Float[Tensor, "points dim"]) -> Tensor:
    with torch.no_grad():
        return torch.cat([function(chunk) for chunk in points.split(CHUNK)])


def test_points(
    test_set: str, role: str, system_name: str, system: System, protocol: Protocol
) -> Float[Tensor, "points dim"]:
    """Points of a test set ("ru", "sg", "gaussian") for a role ("test", "calibration")."""
    box = protocol.box(system_name, system)
    if test_set == "sg":
        return cartesian_grid(box, protocol.grid_per_axis, protocol.test_points)
    count = protocol.test_points if role == "test" else protocol.calibration_points
    stream = generator(f"{role} {test_set}", data_key(system_name, protocol))
    if test_set == "gaussian":
        return protocol.gaussian(system_name, system, count, stream)
    low, high = torch.tensor(box, dtype=torch.float64).T
    return low + (high - low) * torch.rand(count, system.dim, dtype=torch.float64, generator=stream)


def cartesian_grid(box: Box, per_axis: int, at_most: int) -> Float[Tensor, "points dim"]:
    """A grid over the box, ends included, with fewer points an axis where there would be too many.

    Where even 2 an axis are too many, the first points of Sobol's sequence fill the box as evenly as so few can.
    """
    if 2 ** len(box) > at_most:
        low, high = torch.tensor(box, dtype=torch.float64).T
        return low + (high - low) * torch.quasirandom.SobolEngine(len(box)).draw(at_most, dtype=torch.float64)
    per_axis = min(per_axis, max(2, int(at_most ** (1 / len(box)) + 1e-9)))
    axes = [torch.linspace(low, high, per_axis, dtype=torch.float64) for low, high in box]
    return torch.cartesian_prod(*axes)
