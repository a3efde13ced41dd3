"""Reference trajectories: 2,048 of 100 steps, a 12th of what a cell of the paper's protocol needs."""

import torch

import systems
from bench.seeds import generator
from systems.trajectories import draw_starts, integrate


class ReferenceTrajectories:
    params = (systems.names(),)
    param_names = ("system",)
    version = "1"
    timeout = 120
    number = 1

    def setup(self, system: str) -> None:
        torch.set_num_threads(1)
        self.system = systems.get(system)()
        self.starts = draw_starts(self.system, self.system.box, 2048, generator("perf", system), accepted_only=False)

    def time_integrate(self, system: str) -> None:
        integrate(self.system, self.starts, 0.01, 100)
