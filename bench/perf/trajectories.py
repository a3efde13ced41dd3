"""Reference trajectories: 512 of 100 steps, a 48th of what a cell of the paper's protocol needs."""

import torch

import systems
from bench.perf import in_unit
from bench.perf.yardstick import in_yardsticks, peer_iteration
from bench.seeds import generator
from systems.trajectories import draw_starts, integrate


class ReferenceTrajectories:
    params = (systems.names(),)
    param_names = ("system",)
    version = "4"  # 2: in yardsticks; 3: freed memory is kept; 4: trimmed means
    timeout = 120

    def setup(self, system: str) -> None:
        torch.set_num_threads(1)
        self.system = systems.get(system)()
        self.starts = draw_starts(self.system, self.system.box, 512, generator("perf", system), accepted_only=False)

    @in_unit("yardsticks")
    def track_time(self, system: str) -> float:
        return in_yardsticks(lambda: integrate(self.system, self.starts, 0.01, 100), peer_iteration())
