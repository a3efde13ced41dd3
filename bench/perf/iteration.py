"""One training iteration of fshnn on the coupled oscillator, by gradient mode and sequence length."""

import torch

from bench.attempt import build
from bench.measure import Phases, peak_bytes
from bench.perf import in_unit, measured_cell
from bench.profile import gradient_error, iteration_phases, observed_every, profile_window
from bench.protocol import load_protocol
from bench.recipe import load_recipe
from models import gradients


class TrainingIteration:
    """A new gradient mode gets its benchmarks here without a line: the modes are those of the registry."""

    params = (gradients.names(), [4, 32])
    param_names = ("gradient_mode", "seq_len")
    version = "1"
    timeout = 120
    number = 1
    warmup_time = 0.5

    def setup(self, gradient_mode: str, seq_len: int) -> None:
        torch.set_num_threads(1)
        recipe, protocol = load_recipe("one_cycle"), load_protocol("paper")
        cell = measured_cell("coupled_oscillator", gradient_mode, seq_len)
        self.model, self.gradient = build(cell)
        self.window = profile_window(cell, protocol, recipe, torch.device("cpu"), observed_every(seq_len))
        self.phases: Phases = iteration_phases(self.model, self.gradient, self.window, recipe)
        self._iterate()

    def _iterate(self) -> None:
        for run in self.phases.values():
            run()

    def time_iteration(self, gradient_mode: str, seq_len: int) -> None:
        self._iterate()

    @in_unit("bytes")
    def track_peak_bytes(self, gradient_mode: str, seq_len: int) -> int:
        existing = [*self.model.parameters(), self.window.start, self.window.observed]
        return max(peak_bytes(self.phases, existing, torch.device("cpu")).values())

    @in_unit("relative error")
    def track_gradient_error(self, gradient_mode: str, seq_len: int) -> float:
        error, _ = gradient_error(self.model, self.gradient, self.window)
        return max(error, 1e-7)  # below, rounding alone makes the ratio of two runs jump
