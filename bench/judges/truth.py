"""True rollouts that models are compared with: made once a process, however many models it judges."""

from dataclasses import dataclass
from math import lcm

import torch
from jaxtyping import Float
from torch import Tensor

import systems
from bench.data import judging_key
from bench.protocol import Protocol
from bench.seeds import generator
from systems.base import System
from systems.integrators import NotSolved
from systems.trajectories import ReferenceError, draw_starts, integrate

STARTS = 64
HORIZONS = 10  # of the protocol, that the rollouts last
TOLERANCE = 1e-6  # of a true state by steps about twice as long; the reference of order 6 is then good to 2e-8
FINER = (2, 4, 8, 16, 32)  # reference steps in a step of the protocol
BOUND = 10.0  # times the largest true coordinate


@dataclass(frozen=True)
class Truth:
    """Held-out true rollouts from accepted starts, `stride` steps of the protocol apart.

    To ten horizons, or as far as refinement confirms them.
    """

    states: Float[Tensor, "times starts dim"]
    stride: int

    @property
    def starts(self) -> Float[Tensor, "starts dim"]:
        return self.states[0]

    @property
    def steps(self) -> int:
        """Of the protocol, that are known."""
        return (len(self.states) - 1) * self.stride

    @property
    def size(self) -> float:
        """Root mean square of ||y||."""
        return float(self.states.square().sum(-1).mean().sqrt())

    @property
    def bound(self) -> float:
        """A coordinate that exceeds this is no error any more: the rollout has escaped."""
        return BOUND * float(self.states.abs().max())


_made: dict[str, Truth] = {}


def truth_of(system_name: str, protocol: Protocol) -> Truth:
    """The true rollouts of a system under a protocol. Raises ReferenceError if not even one step is known."""
    key = judging_key(system_name, protocol)
    if key not in _made:
        system = systems.get(system_name)()
        stream = generator("test rollouts", key)
        starts = draw_starts(system, protocol.box(system_name, system), STARTS, stream, accepted_only=True)
        _made[key] = confirmed(system, starts, protocol.dt, protocol.steps)
    return _made[key]


def confirmed(system: System, starts: Float[Tensor, "starts dim"], dt: float, horizon: int) -> Truth:
    """States to ten horizons by the longest reference steps that shorter ones confirm to TOLERANCE.

    They are then short enough for the motion to be followed from state to state. Where even the shortest are too
    long, as on chaotic motion in the end, the states stop before that time.
    """
    tenth = tenth_of(horizon)
    longest = [stride for stride in range(tenth, 0, -1) if horizon % stride == tenth % stride == 0]
    coarse, known = None, 0
    for stride, substeps in [*((stride, 1) for stride in longest), *((1, finer) for finer in FINER)]:
        fine = Truth(reference(system, starts, stride * dt, HORIZONS * horizon // stride, substeps), stride)
        if coarse is not None:
            known = agreement(fine, coarse)
            if known == HORIZONS * horizon:
                return fine
        coarse = fine
    if coarse is None or known < 1:
        raise ReferenceError(f"{FINER[-1]} reference steps in dt = {dt:g} are too few for true rollouts")
    return Truth(coarse.states[: known // coarse.stride + 1], coarse.stride)


def tenth_of(horizon: int) -> int:
    """A tenth of the steps of a horizon, in whole steps."""
    return max(1, round(horizon / 10))


def agreement(fine: Truth, coarse: Truth) -> int:
    """Up to which step of the protocol two references agree to TOLERANCE, at the times that both have."""
    common = lcm(fine.stride, coarse.stride)
    change = (fine.states[:: common // fine.stride] - coarse.states[:: common // coarse.stride]).abs().amax((1, 2))
    return (int((change <= TOLERANCE).cumprod(0).sum()) - 1) * common


def reference(
    system: System, starts: Float[Tensor, "starts dim"], dt: float, steps: int, substeps: int
) -> Float[Tensor, "times starts dim"]:
    """Reference states, NaN after the start where the steps are so long that they cannot be solved."""
    try:
        return integrate(system, starts, dt, steps, substeps=substeps).transpose(0, 1)
    except NotSolved:
        unknown = starts.new_full((steps, *starts.shape), torch.nan)
        return torch.cat((starts[None], unknown))
