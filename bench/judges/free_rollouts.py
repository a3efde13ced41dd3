"""Free rollouts from true starts that no model was trained on: how far they go along with the true ones."""

from math import inf

import torch
from jaxtyping import Float
from torch import Tensor

from bench.judges.errors import Columns
from bench.judges.rolling import Rollouts, roll_out
from bench.judges.truth import Truth, tenth_of
from bench.protocol import Protocol
from models.base import Model
from systems.base import System, flip
from systems.sections import crossings

VALID = 0.4  # of the size of a state: beyond this distance a rollout says nothing of the true one
SAME = 1e-12  # two energies


def accuracy_columns(rollouts: Rollouts, truth: Truth, system: System, protocol: Protocol) -> Columns:
    """Medians over the starts; a rollout that has ended is infinitely far from then on."""
    distance = (rollouts.states[:: truth.stride] - truth.states).norm(dim=-1).nan_to_num(nan=inf)
    relative, dt = distance / truth.size, protocol.dt
    to_horizon = slice(1, protocol.steps // truth.stride + 1)
    ratios = distance[to_horizon].norm(dim=0) / truth.states[to_horizon].norm(dim=(0, 2))
    valid = valid_times(relative).median() * truth.stride * dt
    columns: Columns = {"rollout_error": float(ratios.median()), "valid_time": float(valid)}
    places = {"tenth": tenth_of(protocol.steps), "horizon": protocol.steps, "ten_horizons": 10 * protocol.steps}
    for name, step in places.items():
        if step <= truth.steps:
            columns[f"error_at_{name}"] = float(relative[step // truth.stride].median())
    if system.lyapunov_time:
        columns["valid_lyapunov_times"] = float(valid) / system.lyapunov_time
    share, time = rollouts.escapes(dt)
    columns |= {"escape_share": share} | ({} if time is None else {"escape_time": time})
    return columns | (period_columns(rollouts.states, truth) if system.dof == 1 else {})


def valid_times(relative: Float[Tensor, "times starts"]) -> Float[Tensor, " starts"]:
    """Up to which of the times the distance stays within VALID: the last one where it does to the end."""
    return (relative <= VALID).cumprod(0).sum(0).sub(1).double()


def period_columns(states: Float[Tensor, "steps starts 2"], truth: Truth) -> Columns:
    """By how much periods are wrong, of those orbits whose true period is seen; no period is infinitely wrong."""
    expected = periods(truth.states) * truth.stride
    seen = expected.isfinite()
    if not seen.any():
        return {}
    error = (periods(states)[seen] / expected[seen] - 1).abs().nan_to_num(nan=inf)
    return {"period_error": float(error.median())}


def periods(states: Float[Tensor, "times starts 2"]) -> Float[Tensor, " starts"]:
    """Mean number of steps between two passages of p = 0 on the way up; NaN where there are not two."""
    found, count = crossings(states, coordinate=1), states.shape[1]
    passages = torch.bincount(found.orbits, minlength=count)
    first = found.steps.new_full((count,), inf).scatter_reduce(0, found.orbits, found.steps, "amin")
    last = found.steps.new_full((count,), -inf).scatter_reduce(0, found.orbits, found.steps, "amax")
    return torch.where(passages > 1, (last - first) / (passages - 1), torch.nan)


def reversal_columns(model: Model, system: System, rollouts: Rollouts, h: float, steps: int, truth: Truth) -> Columns:
    """How far from its start a rollout ends that goes forward, has its momenta flipped, and goes as far again.

    For systems with H(q, -p) = H(q, p), of which the true flow returns; none for others.
    """
    starts = truth.starts
    if not torch.allclose(system.hamiltonian(flip(starts)), system.hamiltonian(starts), rtol=SAME, atol=SAME):
        return {}
    there = rollouts.lasted >= steps
    error = torch.full((len(starts),), inf, dtype=starts.dtype)
    if there.any():
        back = roll_out(model, flip(rollouts.states[steps, there]), h, steps, truth.bound)
        error[there] = (flip(back.states[-1]) - starts[there]).norm(dim=-1).nan_to_num(nan=inf)
    return {"reversal_error": float(error.median()) / truth.size}
