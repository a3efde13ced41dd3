"""Judging by recorded trajectories that were held out: the true H is not known, and every state has noise."""

from math import inf

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.judges.errors import Columns
from bench.judges.step_structure import structure_columns
from bench.own_data import OwnData
from bench.seeds import generator
from models.base import Model
from models.weak import noise_variance
from systems.integrators import NotSolved

MOST = 256  # trajectories
POINTS = 512  # states at which the step is differentiated


def held_out_columns(
    model: Model,
    held_out: Float[np.ndarray, "count times dim"],
    times: Float[np.ndarray, "count times"] | None,
    protocol: OwnData,
) -> Columns:
    """Rollout error, spread of the learned H and defect of the learned step, as far as there are any. float64.

    `times` start at 0 and are given where they are irregular; the step is then of the mean length.
    """
    model = model.double()
    observed = torch.tensor(held_out[:MOST]).transpose(0, 1)
    clock = None if times is None else torch.tensor(times[:MOST]).T
    stream = generator("held out", protocol.content)
    columns: Columns = {} if protocol.irregular else {"noise_share": noise_share(observed)}
    if model.has_hamiltonian:
        columns |= spread_columns(model, observed, stream)
    if model.rolls_out:
        states = observed.flatten(0, 1)
        states = states[torch.randperm(len(states), generator=stream)[:POINTS]]
        columns["rollout_error"] = held_out_error(model, observed, protocol.dt, clock)
        columns |= structure_columns(model, states, protocol.dt)
    return columns


def noise_share(observed: Float[Tensor, "times count dim"]) -> float:
    """||noise|| / ||Y||, as far as repeated differences in time show white noise: never too little."""
    noise = noise_variance(observed.transpose(0, 1)).sum()
    return float((noise / observed.square().sum(-1).mean()).sqrt())


def held_out_error(
    model: Model,
    observed: Float[Tensor, "times count dim"],
    h: float,
    times: Float[Tensor, "times count"] | None = None,
) -> float:
    """||Y_pred - Y|| / ||Y|| of rollouts from the first observations, over all later ones.

    Infinite where a state is not finite or a step cannot be solved.
    """
    try:
        states = (
            model.rollout(observed[0], h, len(observed) - 1)
            if times is None
            else model.rollout_at(observed[0], times)
        )
    except NotSolved:
        return inf
    error = states[1:] - observed[1:]
    return float((error.norm() / observed[1:].norm()).nan_to_num(nan=inf))


def spread_columns(model: Model, observed: Float[Tensor, "times count dim"], stream: torch.Generator) -> Columns:
    """Standard deviation of the learned H along observed trajectories, root mean square over them; and its share.

    The share is that of the standard deviation over the same q and p, each p with the q of another time and
    trajectory: 0 is conserved, 1 is no better than chance. There is none if H is constant.
    """
    q, p = observed.chunk(2, dim=-1)
    mixed = torch.cat((q.flatten(0, 1), p.flatten(0, 1)[torch.randperm(q[..., 0].numel(), generator=stream)]), dim=-1)
    with torch.no_grad():
        along, apart = model.hamiltonian(observed), model.hamiltonian(mixed)
    spread = float(along.var(0).mean().sqrt())
    whole = float(apart.std())
    return {"energy_spread": spread, **({"energy_spread_share": spread / whole} if whole else {})}
