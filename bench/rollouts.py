"""Judging free rollouts from true starts that no model was trained on: their error, and H along them."""

from math import inf, log10

import torch
from jaxtyping import Float, Int
from torch import Tensor

import systems
from bench.data import data_key
from bench.protocol import Protocol
from bench.seeds import generator
from models.base import Model
from systems.base import System
from systems.integrators import NotSolved
from systems.trajectories import draw_starts, reference_trajectories

STARTS = 256
LONG_STARTS = 32
LONG_TIMES = 80  # logarithmically spaced, fewer where the step is coarser


def rollout_columns(model: Model, system_name: str, protocol: Protocol) -> dict[str, float | list[float]]:
    """The columns of a row that say how well rollouts go; none for a model that was built without an integrator."""
    if not model.rolls_out:
        return {}
    system = systems.get(system_name)()
    columns: dict[str, float | list[float]] = {"rollout_error": rollout_error(model, system_name, system, protocol)}
    if protocol.long_horizon:
        starts = long_starts(system_name, system, protocol)
        columns |= energy_curve(model, system, starts, protocol.dt, protocol.long_horizon)
    return columns


def rollout_error(model: Model, system_name: str, system: System, protocol: Protocol) -> float:
    """||Y_pred - Y|| / ||Y|| over all starts and all times of the protocol's horizon after 0.

    Infinite where a state is not finite or a step cannot be solved: one number then says that the model cannot be
    rolled out so far, and what else is known of it stands in the same row.
    """
    stream = generator("test rollouts", data_key(system_name, protocol))
    starts = draw_starts(system, protocol.box(system_name, system), STARTS, stream, accepted_only=True)
    truth, _ = reference_trajectories(
        system, starts, protocol.dt, protocol.steps, tolerance=protocol.reference_tolerance
    )
    truth = truth.transpose(0, 1)
    try:
        error = model.rollout(starts, protocol.dt, protocol.steps)[1:] - truth[1:]
    except NotSolved:
        return inf
    return float((error.norm() / truth[1:].norm()).nan_to_num(nan=inf))


def long_starts(system_name: str, system: System, protocol: Protocol) -> Float[Tensor, "starts dim"]:
    """Accepted starts, of the energies that the protocol asks for. Raises ValueError if there are not enough."""
    stream = generator("long rollouts", data_key(system_name, protocol))
    starts = draw_starts(system, protocol.box(system_name, system), 100 * LONG_STARTS, stream, accepted_only=True)
    if system_name in protocol.long_energies:
        low, high = protocol.long_energies[system_name]
        energy = system.hamiltonian(starts)
        starts = starts[(energy >= low) & (energy <= high)]
        if len(starts) < LONG_STARTS:
            raise ValueError(f"fewer than 1 start in 100 of {system_name} has an energy from {low:g} to {high:g}")
    return starts[:LONG_STARTS]


def energy_curve(
    model: Model, system: System, starts: Float[Tensor, "starts dim"], h: float, horizon: float
) -> dict[str, float | list[float]]:
    """|H(y_t) - H(y_0)| of the true H along the model's rollouts, median over the starts, at spaced-out times.

    Cut short before the first time at which the median is not finite, empty if a step cannot be solved.
    """
    steps = spaced_steps(round(horizon / h))
    try:
        energy = system.hamiltonian(model.rollout(starts, h, int(steps[-1])))
    except NotSolved:
        return {"energy_times": [], "energy_error_curve": []}
    curve = (energy[steps] - energy[0]).abs().nan_to_num(nan=inf).median(1).values
    finite = int(curve.isfinite().cumprod(0).sum())
    return {"energy_times": (steps[:finite] * h).tolist(), "energy_error_curve": curve[:finite].tolist()}


def spaced_steps(steps: int) -> Int[Tensor, " times"]:
    """Numbers of steps from 1 to `steps`, spaced evenly in their logarithm as far as whole numbers are."""
    return torch.logspace(0, log10(steps), LONG_TIMES, dtype=torch.float64).round().long().unique()
