"""What noise leaves of the windows that a model learns from."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

import systems
from bench.judges.errors import Columns
from bench.protocol import Protocol
from systems.base import System
from systems.trajectories import integrate

SAMPLE = 64  # starts
CHANGE = 1e-5  # of a coordinate: central differences are then good to 1e-10


def signal_columns(system_name: str, protocol: Protocol, trajectories: np.ndarray, steps: int) -> Columns:
    """Of windows of so many steps: noise to signal, and the loss that the true flow is expected to have on them.

    The signal is how far a state moves within a window, N h |f|, |f| the root mean square over the trajectories.
    """
    system = systems.get(system_name)()
    states = torch.tensor(trajectories[:SAMPLE])
    speed = float(system.field(states).square().sum(-1).mean().sqrt())
    rows = torch.arange(len(states))
    starts = states[rows, rows % max(1, states.shape[1] - steps)]
    noise = torch.as_tensor(protocol.noise_of(system), dtype=states.dtype).expand(system.dim)
    return {
        "noise_to_signal": float(noise.square().mean().sqrt()) / (steps * protocol.dt * speed),
        "noise_floor": noise_floor(system, starts, noise, protocol, steps),
    }


def noise_floor(
    system: System, starts: Float[Tensor, "starts dim"], noise: Float[Tensor, " dim"], protocol: Protocol, steps: int
) -> float:
    """Mean squared error of the true flow on noisy windows, to leading order in the noise.

    Every observation has its own; that of a noisy start arrives as the flow carries it. For noise sigma of all
    coordinates sigma^2 (2n + ||d phi_t||^2), the mean over the times of the window (`reference/models.md`, 1.3).
    """
    own, dim = float(noise.square().sum()), system.dim
    if protocol.start_state == "true":
        return own
    nudges = CHANGE * torch.cat((torch.eye(dim), -torch.eye(dim))).to(starts)
    nudged = (starts[:, None] + nudges).flatten(0, 1)
    states = integrate(system, nudged, protocol.dt, steps)[:, 1:].unflatten(0, (len(starts), 2, dim))
    columns = (states[:, 0] - states[:, 1]) / (2 * CHANGE)  # [starts, column of d phi_t, times, dim]
    return own + float((noise.square() * columns.square().sum(3).mean((0, 2))).sum())
