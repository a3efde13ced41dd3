"""Time in yardsticks: that of a run, divided by that of fixed work of the same sort, both in turn in one process.

A machine that is slow today slows both and cancels out. One that is shared slows each by up to a half for moments, so
both take turns as fast as they can, for long enough to meet the same mixture of moments. Yardsticks use nothing of
ours, so that a change of ours moves the run alone.
"""

import gc
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import torch
import torchdiffeq
from scipy.stats import trim_mean
from torch import Tensor, nn

import bench

Run = Callable[[], object]
Clock = Callable[[Run, int], float]  # seconds that so many calls in a row take

SAMPLE_S = 0.01  # of work in one sample: shorter ones are mostly jitter
ENOUGH_S = 0.1  # of yardstick beside a longer run: a night has a hundred of them to do
BUDGET_S = 1.0
ROUNDS = 3, 100  # at least and at most
CUT = 0.2  # of the rounds at either end: a stall hits the run or the yardstick
QUICK = "HAMILTONIAN_BENCH_QUICK"  # the environment variable that asks for one round: it runs, that is all


def wall(run: Run, times: int) -> float:
    start = perf_counter()
    for _ in range(times):
        run()
    return perf_counter() - start


def cpu_of_children(run: Run, times: int) -> float:
    """Seconds on the processor of processes that the run starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(times):
        run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def in_yardsticks(
    run: Run, yardstick: Run, *, clock: Clock = wall, rounds: tuple[int, int] = ROUNDS, warm: bool = True
) -> float:
    """The time of the run in those of the yardsticks right before and after it: the trimmed mean over rounds.

    Both are `warm`, and called so often in a sample that their samples take about equally long, ENOUGH_S at most if
    one call takes no longer; or not, where each call is a process of its own.
    """
    run_calls = yard_calls = 1
    if warm:
        run_s, yard_s = warm_seconds(run, clock), warm_seconds(yardstick, clock)
        sample_s = min(max(SAMPLE_S, run_s, yard_s), ENOUGH_S)
        run_calls, yard_calls = (max(1, round(sample_s / seconds)) for seconds in (run_s, yard_s))
    least, most = (1, 1) if QUICK in os.environ else rounds
    ratios: list[float] = []
    gc.collect()
    gc.disable()
    try:
        start = perf_counter()
        before = clock(yardstick, yard_calls) / yard_calls
        while len(ratios) < least or (perf_counter() - start < BUDGET_S and len(ratios) < most):
            run_s = clock(run, run_calls) / run_calls
            after = clock(yardstick, yard_calls) / yard_calls
            ratios.append(run_s / ((before + after) / 2))
            before = after
    finally:
        gc.enable()
    return float(trim_mean(ratios, CUT))


def warm_seconds(run: Run, clock: Clock) -> float:
    """Of a second call; of the first where that takes long enough for what it loads not to matter.

    What is compiled by its first call has to be called before.
    """
    first = clock(run, 1)
    return first if first > ENOUGH_S else max(clock(run, 1), 1e-6)


def peer_iteration() -> Run:
    """One iteration of torchdiffeq 0.2.5, RK4 with backpropagation: four steps of a plain net, B 512, one thread."""
    stream = torch.Generator().manual_seed(0)
    widths = (4, 16, 32, 16, 4)
    weights = [torch.randn(b, a, generator=stream) / a**0.5 for a, b in pairwise(widths)]
    layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
    for layer, weight in zip(layers, weights, strict=True):
        layer.load_state_dict({"weight": weight, "bias": torch.zeros(len(weight))})
    net = nn.Sequential(*[part for layer in layers for part in (layer, nn.Tanh())][:-1])
    start, times = torch.randn(512, 4, generator=stream), torch.linspace(0, 0.04, 5)

    def iterate() -> None:
        net.zero_grad(set_to_none=True)
        states = torchdiffeq.odeint(lambda t, y: net(y), start, times, method="rk4")
        assert isinstance(states, Tensor)
        states.square().mean().backward()

    return iterate


def flushed_lines(folder: Path, count: int, size: int) -> Run:
    """Writing lines of `size` bytes to a file, each flushed to the disk."""
    line = b"x" * (size - 1) + b"\n"

    def write() -> None:
        with (folder / "yardstick").open("wb") as file:
            for _ in range(count):
                file.write(line)
                file.flush()
                os.fsync(file.fileno())

    return write


def python(*arguments: str) -> Run:
    """A Python process of its own on this code, from start to end. Raises CalledProcessError if it fails."""
    environment = os.environ | {"PYTHONPATH": str(Path(bench.__file__).parent.parent)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or every start compiles what it imports

    def start() -> None:
        command = [sys.executable, *arguments]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    return start
