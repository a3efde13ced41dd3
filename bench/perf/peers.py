"""python -m bench.perf.peers: how many times faster an iteration of `discrete` is than that of a peer.

No benchmark of asv's, for a peer that gets faster is nothing that got worse.

The work is the same. The peers are torchdiffeq 0.2.5 (`odeint_adjoint` and `odeint`, on the same times, with the
same closed-form field) and our own backpropagation through the same implicit midpoint rule. A slow machine cancels
out.
"""

from collections.abc import Callable
from itertools import product

import torch
import torchdiffeq
from torch import Tensor, nn

from bench.attempt import build
from bench.perf import measured_task
from bench.perf.yardstick import in_yardsticks
from bench.profile import profile_window
from bench.protocol import Protocol
from models import gradients
from models.base import Model, squared_error
from models.gradients import GradientMode
from models.gradients.discrete import Discrete
from systems.trajectories import Window


class TimedField(nn.Module):
    """A model's field in the form that torchdiffeq takes."""

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.model.field(y)


def torchdiffeq_iteration(model: Model, window: Window, odeint: Callable, **options: str) -> Callable[[], None]:
    field, times = TimedField(model), window.h * torch.arange(window.steps + 1)

    def iterate() -> None:
        model.zero_grad(set_to_none=True)
        squared_error(odeint(field, window.start, times, **options), window).backward()

    return iterate


def our_iteration(model: Model, window: Window, gradient: GradientMode) -> Callable[[], None]:
    def iterate() -> None:
        model.zero_grad(set_to_none=True)
        model.loss(window, gradient).backward()

    return iterate


CASES = {
    "compiled": [False, True],
    "system": ["coupled_oscillator", "henon_heiles"],
    "seq_len": [4, 32, 128],
    "peer": ["odeint_adjoint rk4", "odeint_adjoint dopri5", "odeint rk4", "backprop"],
}


def times_faster(compiled: bool, system: str, seq_len: int, peer: str) -> float:
    """How many times faster than the peer: B 512, every step observed, float32, one thread."""
    axes = {"system": system, "gradient_mode": "discrete", "seq_len": seq_len}
    task = measured_task("fshnn", kind="profile", preset="paper", protocol="paper", recipe="one_cycle", **axes)
    assert task.recipe is not None
    assert isinstance(task.protocol, Protocol)
    model, _ = build(task.cell)
    window = profile_window(task.cell, task.protocol, task.recipe, torch.device("cpu"), 1)
    ours = our_iteration(model, window, Discrete(compiled=compiled))
    solver, _, method = peer.partition(" ")
    if method:
        theirs = torchdiffeq_iteration(model, window, getattr(torchdiffeq, solver), method=method)
    else:
        theirs = our_iteration(model, window, gradients.get(peer)())
    ours()  # which compiles it, where it is to be
    return in_yardsticks(theirs, ours, rounds=(15, 60))


def main() -> None:
    """Print every case."""
    torch.set_num_threads(1)
    for compiled, system, seq_len, peer in product(*CASES.values()):
        how, factor = "compiled" if compiled else "eager", times_faster(compiled, system, seq_len, peer)
        print(f"{how:9} {system:20} N={seq_len:4} {peer:24} {factor:6.2f} x", flush=True)


if __name__ == "__main__":
    main()
