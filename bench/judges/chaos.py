"""Chaotic motion: the share of orbits that are chaotic, and how fast their neighbours leave them."""

from math import nan

import torch
from jaxtyping import Float
from torch import Tensor

from bench.data import data_key
from bench.judges.errors import Columns
from bench.judges.rolling import roll_out
from bench.protocol import Protocol
from bench.seeds import generator
from models.base import Model
from systems.lyapunov import largest_exponents

CHAOTIC = 0.015  # exponents above this; regular motion leaves ln(T)/T, 0.007 at T = 1000
RESET = 10.0  # time between two resets of a companion


def exponent_columns(
    model: Model, starts: Float[Tensor, "starts dim"], system_name: str, protocol: Protocol, bound: float
) -> Columns:
    """One entry an energy of the protocol: the share of chaotic orbits, and the median of their exponents.

    An orbit that escapes is not bounded motion, chaotic or not: it counts in neither. NaN where none is left.
    """
    stream = generator("tangents", data_key(system_name, protocol))
    directions = torch.randn(starts.shape, dtype=starts.dtype, generator=stream)
    h = protocol.dt
    exponents = largest_exponents(
        lambda pair, steps: roll_out(model, pair, h, steps, bound).states[-1],
        starts, directions, h, round(protocol.exponent_horizon / h), max(1, round(RESET / h)),
    )  # fmt: skip
    return chaos_columns(exponents.unflatten(0, (-1, protocol.section_orbits)))


def chaos_columns(exponents: Float[Tensor, "energies orbits"]) -> Columns:
    shares, medians = [], []
    for own in exponents:
        own = own[own.isfinite()]
        chaotic = own[own > CHAOTIC]
        shares.append(len(chaotic) / len(own) if len(own) else nan)
        medians.append(float(chaotic.median()) if len(chaotic) else nan)
    return {"chaotic_share": shares, "chaotic_exponent": medians}
