"""Time of one `discrete` iteration, eager or compiled, divided by that of a peer, both in turn in one run.

The work is the same. The peers are torchdiffeq 0.2.5 (`odeint_adjoint` and `odeint`, on the same times, with the
same closed-form field) and our own backpropagation through the same implicit midpoint rule. A slow machine cancels
out.
"""

from collections.abc import Callable
from itertools import product
from statistics import median
from time import perf_counter

import torch
import torchdiffeq
from torch import Tensor, nn

from bench.attempt import build
from bench.perf import in_unit, measured_cell
from bench.profile import profile_window
from bench.protocol import load_protocol
from bench.recipe import load_recipe
from models import gradients
from models.base import Model, squared_error
from models.gradients import GradientMode
from models.gradients.discrete import Discrete
from systems.trajectories import Window

ROUNDS = 15


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


def in_turn(first: Callable[[], None], second: Callable[[], None]) -> tuple[float, float]:
    """Median seconds of both, run alternately, warm."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + 2):
        for run, samples in zip((first, second), seconds, strict=True):
            start = perf_counter()
            run()
            samples.append(perf_counter() - start)
    return median(seconds[0][2:]), median(seconds[1][2:])


class AgainstPeers:
    """Coupled oscillator and Henon-Heiles, B 512, every step observed, float32, one thread."""

    params = (
        [False, True],
        ["coupled_oscillator", "henon_heiles"],
        [4, 32, 128],
        ["odeint_adjoint rk4", "odeint_adjoint dopri5", "odeint rk4", "backprop"],
    )
    param_names = ("compiled", "system", "seq_len", "peer")
    version = "2"  # 2: eager and compiled
    timeout = 300

    def setup(self, compiled: bool, system: str, seq_len: int, peer: str) -> None:
        torch.set_num_threads(1)
        cell = measured_cell(system, "discrete", seq_len)
        model, _ = build(cell)
        window = profile_window(cell, load_protocol("paper"), load_recipe("one_cycle"), torch.device("cpu"), 1)
        self.ours = our_iteration(model, window, Discrete(compiled=compiled))
        solver, _, method = peer.partition(" ")
        if method:
            self.peer = torchdiffeq_iteration(model, window, getattr(torchdiffeq, solver), method=method)
        else:
            self.peer = our_iteration(model, window, gradients.get(peer)())

    @in_unit("discrete / peer")
    def track_time_ratio(self, compiled: bool, system: str, seq_len: int, peer: str) -> float:
        ours, peers = in_turn(self.ours, self.peer)
        return ours / peers


def main() -> None:
    """Print every ratio the other way round: how many times faster than the peer."""
    bench = AgainstPeers()
    for case in product(*bench.params):
        bench.setup(*case)
        compiled, system, seq_len, peer = case
        how, ratio = "compiled" if compiled else "eager", 1 / bench.track_time_ratio(*case)
        print(f"{how:9} {system:20} N={seq_len:4} {peer:24} {ratio:6.2f} x", flush=True)


if __name__ == "__main__":
    main()
