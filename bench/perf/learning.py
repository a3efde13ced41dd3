"""What every model learns in a short training with fixed seeds, and what a direct fit costs."""

from dataclasses import replace

import torch

import models
from bench.attempt import build, observe_both, run_cell
from bench.data import make_dataset
from bench.measure import peak_bytes
from bench.perf import finite, in_unit, measured_task
from bench.perf.yardstick import in_yardsticks, peer_iteration
from bench.seeds import generator

LEARNERS = [name for name in models.names() if models.get(name).trainable]
FITTED = 128  # trajectories of a direct fit that is timed
EXACT = 1e-6  # where errors are of rounding, the ratio of two of them says nothing


class ShortTraining:
    """160 iterations, or a direct fit, on the coupled oscillator under protocol and recipe `perf`."""

    params = (LEARNERS,)
    param_names = ("model",)
    version = "2"  # 2: judged by other points
    timeout = 300

    def setup(self, model: str) -> None:
        self.task = measured_task(model)

    @in_unit("mean |H error|, or else relative error of field or rollout")
    def track_error(self, model: str) -> float:
        row = run_cell(self.task, lambda: make_dataset(self.task.cell.system, self.task.protocol))
        if row["status"] != "ok":
            raise RuntimeError(f"{row['status']} in phase {row['phase']}: {row['traceback']}")
        judged = ("h_mae_ru", "field_error", "rollout_error")
        return max(finite(next(row[column] for column in judged if row.get(column) is not None)), EXACT)


class DirectFit:
    """Models that are fitted at once, without iterations, on few trajectories."""

    params = ([name for name in LEARNERS if models.get(name).fits],)
    param_names = ("model",)
    version = "4"  # 2: on fewer trajectories; 3: freed memory is kept; 4: trimmed means
    timeout = 300

    def setup(self, model: str) -> None:
        torch.set_num_threads(1)
        task = measured_task(model)
        task = replace(task, protocol=task.protocol.model_copy(update={"train_starts": FITTED}))
        self.model, _ = build(task.cell)
        train_set, _ = observe_both(task, make_dataset(task.cell.system, task.protocol))
        self.data = train_set.whole(generator("perf", model))

    def fit(self) -> None:
        self.model.fit(self.data)

    @in_unit("yardsticks")
    def track_time(self, model: str) -> float:
        return in_yardsticks(self.fit, peer_iteration())

    @in_unit("bytes")
    def track_peak_bytes(self, model: str) -> int:
        existing = [*self.model.parameters(), self.data.observed]
        return peak_bytes({"fit": self.fit}, existing, torch.device("cpu"))["fit"]
