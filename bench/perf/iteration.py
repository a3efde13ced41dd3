"""One training iteration on the coupled oscillator, B 512, float32: its time, memory and gradient.

A new gradient mode or model gets its benchmarks here without a line: the names are those of the registries.
"""

from abc import ABC, abstractmethod
from typing import Any

import torch

import models
from bench.attempt import build
from bench.cell import Task
from bench.measure import Phases, peak_bytes
from bench.perf import finite, in_unit, measured_task
from bench.perf.yardstick import in_yardsticks, peer_iteration
from bench.profile import gradient_error, iteration_phases, observed_every, profile_window
from bench.protocol import Protocol
from models import gradients

ROUNDING = 1e-5  # of float32 over 32 steps: below it, the ratio of two gradient errors says nothing


class Iteration(ABC):
    """What is measured of any iteration; `setup` says of which."""

    version = "3"  # 2: freed memory is kept; 3: trimmed means
    timeout = 300

    @abstractmethod
    def setup(self, *case: Any) -> None:
        """Call `prepare`, or raise NotImplementedError for a case that does not exist."""

    def prepare(self, task: Task) -> None:
        torch.set_num_threads(1)
        assert task.recipe is not None
        assert task.cell.seq_len is not None
        assert isinstance(task.protocol, Protocol)
        cpu = torch.device("cpu")
        self.model, self.gradient = build(task.cell)
        self.window = profile_window(task.cell, task.protocol, task.recipe, cpu, observed_every(task.cell.seq_len))
        self.phases: Phases = iteration_phases(self.model, self.gradient, self.window, task.recipe)
        self.iterate()

    def iterate(self) -> None:
        for run in self.phases.values():
            run()

    @in_unit("yardsticks")
    def track_time(self, *case: Any) -> float:
        return in_yardsticks(self.iterate, peer_iteration())


class Metered(Iteration):
    """The same with its memory."""

    @in_unit("bytes")
    def track_peak_bytes(self, *case: Any) -> int:
        existing = [*self.model.parameters(), self.window.start, self.window.observed]
        return max(peak_bytes(self.phases, existing, torch.device("cpu")).values())


class OfEveryMode(Metered):
    """fshnn by implicit midpoint, or RK4 where the mode is for explicit methods, h = 0.01."""

    params = (gradients.names(), [4, 32])
    param_names = ("gradient_mode", "seq_len")

    def setup(self, *case: Any) -> None:
        self.prepare(of_mode(*case))

    @in_unit("relative error")
    def track_gradient_error(self, gradient_mode: str, seq_len: int) -> float:
        error, _ = gradient_error(self.model, self.gradient, self.window)
        return max(finite(error), ROUNDING)


class OfEveryModeLong(Iteration):
    """The same over a long window: the time alone, for memory and error show in short ones what they show here."""

    params = (gradients.names(), [256])
    param_names = ("gradient_mode", "seq_len")

    def setup(self, *case: Any) -> None:
        self.prepare(of_mode(*case))


class OfEveryModel(Metered):
    """Models that are trained by a loss on windows, as the grids train them by default, N = 4."""

    params = ([name for name in models.names() if models.get(name).trainable],)
    param_names = ("model",)

    def setup(self, *case: Any) -> None:
        (model,) = case
        self.prepare(measured_task(model, kind="profile", protocol="smoke", recipe="one_cycle"))


def of_mode(gradient_mode: str, seq_len: int) -> Task:
    """An iteration by a gradient mode, with an integrator that it is for."""
    axes = {"gradient_mode": gradient_mode, "seq_len": seq_len, "integrator": ["implicit_midpoint", "rk4"]}
    return measured_task("fshnn", kind="profile", preset="paper", protocol="paper", recipe="one_cycle", **axes)
