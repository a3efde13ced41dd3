"""Energy along rollouts: its drift apart from its oscillation, and its error against time."""

from math import inf, log10

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bench.judges.errors import Columns, in_chunks
from bench.judges.rolling import Rollouts, even_steps
from models.base import Model
from systems.base import System

EVEN_TIMES = 1001  # at most, at which drift and amplitude are measured
SPACED_TIMES = 80  # of the error curve: logarithmically spaced, fewer where the step is coarser


def drift_columns(model: Model, system: System, rollouts: Rollouts, h: float) -> Columns:
    """Drift and amplitude of the true H and of the learned one, medians over the rollouts that did not end early."""
    whole = rollouts.states[:, rollouts.lasted == rollouts.steps]
    if not whole.shape[1]:
        return {}
    steps = even_steps(rollouts.steps, EVEN_TIMES)
    states, times = whole[steps], steps * h
    drift, amplitude = drift_and_amplitude(system.hamiltonian(states), times)
    columns: Columns = {"energy_horizon": float(times[-1]), "energy_drift": drift, "energy_amplitude": amplitude}
    if model.has_hamiltonian:
        learned = in_chunks(model.hamiltonian, states.flatten(0, 1)).view(states.shape[:2])
        drift, amplitude = drift_and_amplitude(learned, times)
        columns |= {"learned_energy_drift": drift, "learned_energy_amplitude": amplitude}
    return columns


def drift_and_amplitude(energy: Float[Tensor, "times starts"], times: Float[Tensor, " times"]) -> tuple[float, float]:
    """|slope| of the straight line that fits best, and half the range of what is left; medians over starts."""
    time, change = times - times.mean(), energy - energy.mean(0)
    slope = (time[:, None] * change).sum(0) / time.square().sum()
    left = change - slope * time[:, None]
    return float(slope.abs().median()), float((left.amax(0) - left.amin(0)).median()) / 2


def curve_columns(system: System, rollouts: Rollouts, h: float) -> Columns:
    """|H(y_t) - H(y_0)| of the true H, median over all starts, at spaced-out times to the end.

    Infinite from where more than half of the rollouts have ended.
    """
    steps = spaced_steps(rollouts.steps)
    energy = system.hamiltonian(rollouts.states[steps])
    start = system.hamiltonian(rollouts.states[0])
    curve = (energy - start).abs().nan_to_num(nan=inf).median(1).values
    return {"energy_times": (steps * h).tolist(), "energy_error_curve": curve.tolist()}


def spaced_steps(steps: int) -> Int[Tensor, " times"]:
    """Numbers of steps from 1 to `steps`, spaced evenly in their logarithm as far as whole numbers are."""
    return torch.logspace(0, log10(steps), SPACED_TIMES, dtype=torch.float64).round().long().unique()
