"""Long rollouts, all starts of a system at once: energy, section, separatrix, exponents."""

from itertools import accumulate

import torch
from jaxtyping import Float
from torch import Tensor

from bench.data import judging_key
from bench.judges.chaos import exponent_columns, roll_out_with_exponents
from bench.judges.energy import curve_columns, drift_columns
from bench.judges.errors import Columns
from bench.judges.rolling import roll_out
from bench.judges.sections import section_columns, section_starts
from bench.judges.separatrix import separatrix_columns, separatrix_starts
from bench.protocol import Protocol
from bench.seeds import generator
from models.base import Model
from systems.base import System
from systems.trajectories import draw_starts

STARTS = 32


def long_columns(model: Model, system_name: str, system: System, protocol: Protocol, bound: float) -> Columns:
    """The columns of what the protocol asks for and the system has."""
    parts = {"energy": long_starts(system_name, system, protocol)}
    if system.section and system_name in protocol.section_energies:
        parts["section"] = section_starts(system_name, system, protocol)
    if system.separatrix and protocol.separatrix_margin:
        parts["separatrix"] = separatrix_starts(system_name, system, protocol)
    starts, h, places = torch.cat(list(parts.values())), protocol.dt, places_of(parts)
    columns: Columns = {}
    if protocol.exponent_horizon and "section" in parts:
        together, exponents = roll_out_with_exponents(model, starts, places["section"], system_name, protocol, bound)
        columns |= exponent_columns(exponents, protocol)
    else:
        together = roll_out(model, starts, h, round(protocol.long_horizon / h), bound)
    energy = together.of(places["energy"])
    columns |= drift_columns(model, system, energy, h) | curve_columns(system, energy, h)
    share, time = energy.escapes(h)
    columns |= {"long_escape_share": share} | ({} if time is None else {"long_escape_time": time})
    if "section" in parts:
        columns |= section_columns(together.of(places["section"]), system_name, system, protocol)
    if "separatrix" in parts:
        columns |= separatrix_columns(together.of(places["separatrix"]), system)
    return columns


def places_of(parts: dict[str, Tensor]) -> dict[str, slice]:
    """Where each part lies when all are one after the other."""
    ends = accumulate(len(part) for part in parts.values())
    return {name: slice(end - len(part), end) for (name, part), end in zip(parts.items(), ends, strict=True)}


def long_starts(system_name: str, system: System, protocol: Protocol) -> Float[Tensor, "starts dim"]:
    """Accepted starts, of the energies that the protocol asks for. Raises ValueError if there are not enough."""
    stream = generator("long rollouts", judging_key(system_name, protocol))
    starts = draw_starts(system, protocol.box(system_name, system), 100 * STARTS, stream, accepted_only=True)
    if system_name in protocol.long_energies:
        low, high = protocol.long_energies[system_name]
        energy = system.hamiltonian(starts)
        starts = starts[(energy >= low) & (energy <= high)]
        if len(starts) < STARTS:
            raise ValueError(f"fewer than 1 start in 100 of {system_name} has an energy from {low:g} to {high:g}")
    return starts[:STARTS]
