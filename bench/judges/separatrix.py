"""Whether rollouts that begin near a separatrix move on the side of it that their energy says."""

import torch
from jaxtyping import Float
from torch import Tensor

from bench.data import judging_key
from bench.judges.errors import Columns
from bench.judges.rolling import Rollouts
from bench.protocol import Protocol
from bench.seeds import generator
from systems.base import System
from systems.trajectories import ReferenceError, draw_starts

STARTS = 64


def separatrix_starts(system_name: str, system: System, protocol: Protocol) -> Float[Tensor, "starts dim"]:
    """Starts in the box with H within the margin of the separatrix, half of them on either side."""
    assert system.separatrix is not None
    stream = generator("separatrix", judging_key(system_name, protocol))
    starts = draw_starts(system, protocol.box(system_name, system), 1000 * STARTS, stream, accepted_only=False)
    above = system.hamiltonian(starts) - system.separatrix.level
    near = above.abs() <= protocol.separatrix_margin
    half = STARTS // 2
    chosen = torch.cat((starts[near & (above > 0)][:half], starts[near & (above < 0)][:half]))
    if len(chosen) < STARTS:
        raise ReferenceError(
            f"separatrix_margin: fewer than {STARTS} of {len(starts)} starts of {system_name} are so near"
        )
    return chosen


def separatrix_columns(rollouts: Rollouts, system: System) -> Columns:
    """The share of rollouts that pass over a top of the potential and must not, or the other way round.

    One that ends early is wrong.
    """
    assert system.separatrix is not None
    must_pass = system.hamiltonian(rollouts.states[0]) > system.separatrix.level
    right = (system.separatrix.passed(rollouts.states) == must_pass) & (rollouts.lasted == rollouts.steps)
    return {"separatrix_error": 1 - float(right.double().mean())}
