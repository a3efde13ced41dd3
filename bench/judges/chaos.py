"""Chaotic motion: the share of orbits that are chaotic, and how fast their neighbours leave them."""

from math import nan

import torch
from jaxtyping import Float
from torch import Tensor

from bench.data import judging_key
from bench.judges.errors import Columns
from bench.judges.rolling import Rollouts, joined, roll_out
from bench.protocol import Protocol
from bench.seeds import generator
from models.base import Model
from systems.lyapunov import Rollout, largest_exponents

CHAOTIC = 0.015  # exponents above this; regular motion leaves ln(T)/T, 0.007 at T = 1000
RESET = 10.0  # time between two resets of a companion


def roll_out_with_exponents(
    model: Model, starts: Float[Tensor, "starts dim"], orbits: slice, name: str, protocol: Protocol, bound: float
) -> tuple[Rollouts, Float[Tensor, " orbits"]]:
    """Rollouts to the protocol's long horizon, and the exponents of those of some starts to its exponent horizon.

    `name` is the system's. A model that does not resume would be disturbed by every reset of a companion: its
    exponents are those of rollouts of their own.
    """
    if model.resumes:
        return roll_out_in_company(model, starts, orbits, name, protocol, bound)
    h = protocol.dt

    def advance(pair: Tensor, count: int) -> Tensor:
        return roll_out(model, pair, h, count, bound).states[-1]

    together = roll_out(model, starts, h, round(protocol.long_horizon / h), bound)
    return together, orbit_exponents(advance, starts[orbits], name, protocol)


def roll_out_in_company(
    model: Model, starts: Float[Tensor, "starts dim"], orbits: slice, name: str, protocol: Protocol, bound: float
) -> tuple[Rollouts, Float[Tensor, " orbits"]]:
    """The same with the companions along: what a step costs hardly depends on how many take it."""
    h, steps = protocol.dt, round(protocol.long_horizon / protocol.dt)
    stretches, reached = [], starts

    def advance(pair: Tensor, count: int) -> Tensor:
        nonlocal reached
        companions = pair.chunk(2)[1]
        went = roll_out(model, torch.cat((reached, companions)), h, count, bound)
        stretches.append(went.of(slice(len(starts))))
        reached = stretches[-1].states[-1]
        return torch.cat((reached[orbits], went.states[-1, len(starts) :]))

    exponents = orbit_exponents(advance, starts[orbits], name, protocol)
    if missing := steps - sum(stretch.steps for stretch in stretches):
        stretches.append(roll_out(model, reached, h, missing, bound))
    return joined(stretches), exponents


def orbit_exponents(
    advance: Rollout, starts: Float[Tensor, "orbits dim"], name: str, protocol: Protocol
) -> Float[Tensor, " orbits"]:
    """Largest exponents to the exponent horizon, by companions in random directions."""
    stream = generator("tangents", judging_key(name, protocol))
    directions = torch.randn(starts.shape, dtype=starts.dtype, generator=stream)
    steps, reset = (max(1, round(time / protocol.dt)) for time in (protocol.exponent_horizon, RESET))
    return largest_exponents(advance, starts, directions, protocol.dt, steps, reset)


def exponent_columns(exponents: Float[Tensor, " orbits"], protocol: Protocol) -> Columns:
    """One entry an energy of the protocol: the share of chaotic orbits, and the median of their exponents.

    An orbit that escapes is not bounded motion, chaotic or not: it counts in neither. NaN where none is left.
    """
    return chaos_columns(exponents.unflatten(0, (-1, protocol.section_orbits)))


def chaos_columns(exponents: Float[Tensor, "energies orbits"]) -> Columns:
    shares, medians = [], []
    for own in exponents:
        own = own[own.isfinite()]
        chaotic = own[own > CHAOTIC]
        shares.append(len(chaotic) / len(own) if len(own) else nan)
        medians.append(float(chaotic.median()) if len(chaotic) else nan)
    return {"chaotic_share": shares, "chaotic_exponent": medians}
