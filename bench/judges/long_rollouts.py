"""Long rollouts, all starts of a system at once: energy, section, separatrix, exponents."""

import torch
from jaxtyping import Float
from torch import Tensor

from bench.data import data_key
from bench.judges.chaos import exponent_columns
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
    h, lengths = protocol.dt, [len(part) for part in parts.values()]
    together = roll_out(model, torch.cat(list(parts.values())), h, round(protocol.long_horizon / h), bound)
    ends = torch.tensor(lengths).cumsum(0).tolist()
    rollouts = {
        name: together.of(slice(end - length, end)) for name, length, end in zip(parts, lengths, ends, strict=True)
    }
    columns = drift_columns(model, system, rollouts["energy"], h) | curve_columns(system, rollouts["energy"], h)
    share, time = rollouts["energy"].escapes(h)
    columns |= {"long_escape_share": share} | ({} if time is None else {"long_escape_time": time})
    if "section" in parts:
        columns |= section_columns(rollouts["section"], system_name, system, protocol)
        if protocol.exponent_horizon:
            columns |= exponent_columns(model, parts["section"], system_name, protocol, bound)
    if "separatrix" in parts:
        columns |= separatrix_columns(rollouts["separatrix"], system)
    return columns


def long_starts(system_name: str, system: System, protocol: Protocol) -> Float[Tensor, "starts dim"]:
    """Accepted starts, of the energies that the protocol asks for. Raises ValueError if there are not enough."""
    stream = generator("long rollouts", data_key(system_name, protocol))
    starts = draw_starts(system, protocol.box(system_name, system), 100 * STARTS, stream, accepted_only=True)
    if system_name in protocol.long_energies:
        low, high = protocol.long_energies[system_name]
        energy = system.hamiltonian(starts)
        starts = starts[(energy >= low) & (energy <= high)]
        if len(starts) < STARTS:
            raise ValueError(f"fewer than 1 start in 100 of {system_name} has an energy from {low:g} to {high:g}")
    return starts[:STARTS]
