"""Judging by recorded trajectories that were held out: the true H is not known, and every state has noise."""

from contextlib import suppress
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.judges.errors import Columns
from bench.judges.rolling import Rollouts, roll_out
from bench.judges.step_structure import structure_columns
from bench.judges.truth import BOUND
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
    """Escapes and error of rollouts, spread of the learned H, defect of the learned step: what there is. float64.

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
        columns |= rollout_columns(rollouts_along(model, observed, protocol.dt, clock), observed, protocol.dt)
        columns |= structure_columns(model, states, protocol.dt)
    return columns


def noise_share(observed: Float[Tensor, "times count dim"]) -> float:
    """||noise|| / ||Y||, as far as repeated differences in time show white noise: never too little."""
    noise = noise_variance(observed.transpose(0, 1)).sum()
    return float((noise / observed.square().sum(-1).mean()).sqrt())


def rollouts_along(
    model: Model, observed: Float[Tensor, "times count dim"], h: float, clock: Float[Tensor, "times count"] | None
) -> Rollouts:
    """From the first observations, h apart or at the times of the clock, while within ten times what was observed."""
    bound = BOUND * float(observed.abs().max())
    if clock is None:
        return roll_out(model, observed[0], h, len(observed) - 1, bound)
    try:
        states = model.rollout_at(observed[0], clock)
    except NotSolved:  # of one, which stops all
        states = torch.cat(
            [alone(model, *own) for own in zip(observed[0].split(1), clock.split(1, 1), strict=True)], 1
        )
    within = (states.abs() <= bound).all(-1).cumprod(0).bool()
    return Rollouts(states.where(within[..., None], torch.nan), within.sum(0) - 1)


def alone(
    model: Model, start: Float[Tensor, "1 dim"], clock: Float[Tensor, "times 1"]
) -> Float[Tensor, "times 1 dim"]:
    """The states of one rollout, NaN from the step that cannot be solved."""
    states = start.new_full((len(clock), *start.shape), torch.nan)
    states[0] = start
    with suppress(NotSolved):
        for step, (before, here) in enumerate(pairwise(clock), start=1):
            states[step] = model.rollout_at(states[step - 1], torch.stack((0 * before, here - before)))[-1]
    return states


def rollout_columns(rollouts: Rollouts, observed: Float[Tensor, "times count dim"], h: float) -> Columns:
    """The share of rollouts that escape, and ||Y_pred - Y|| / ||Y|| over all later states of the others, if any."""
    share, time = rollouts.escapes(h)
    columns: Columns = {"escape_share": share}
    if time is not None:
        columns["escape_time"] = time
    stays = rollouts.lasted == rollouts.steps
    if stays.any():
        truth = observed[1:, stays]
        columns["rollout_error"] = float((rollouts.states[1:, stays] - truth).norm() / truth.norm())
    return columns


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
