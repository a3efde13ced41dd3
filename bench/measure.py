"""Meters for time, memory and gradients. One code path for CPU and CUDA; memory and time never together."""

import gc
import os
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from operator import itemgetter

import torch
from torch import Tensor
from torch._C._profiler import _ExtraFields_Allocation
from torch.profiler import ProfilerActivity
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or the profiler writes a line to stderr at each start and stop

Phases = dict[str, Callable[[], object]]  # the parts of one iteration, in order


def now(device: torch.device) -> float:
    """Seconds on a clock that has waited for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


@dataclass
class Timings:
    """Seconds of every repeat of every phase."""

    samples: dict[str, list[float]] = field(default_factory=dict)
    first_call: float = 0.0

    @property
    def totals(self) -> list[float]:
        return [sum(parts) for parts in zip(*self.samples.values(), strict=True)]


def time_phases(
    phases: Phases,
    device: torch.device,
    *,
    warm_up: int = 3,
    repeats: tuple[int, int] = (3, 50),
    budget_s: float = 1.0,
) -> Timings:
    """Run the phases in order, first cold, then warm, until the budget or the repeats are used up.

    The warm-up is of `warm_up` runs, or of one if that alone takes more than the budget.
    """
    timings = Timings({name: [] for name in phases})
    timings.first_call = sum(_once(phases, device).values())
    for _ in range(warm_up - 1 if timings.first_call <= budget_s else 0):
        _once(phases, device)
    spent, least, most = 0.0, *repeats
    while len(timings.totals) < least or (spent < budget_s and len(timings.totals) < most):
        seconds = _once(phases, device)
        spent += sum(seconds.values())
        for name, value in seconds.items():
            timings.samples[name].append(value)
    return timings


def _once(phases: Phases, device: torch.device) -> dict[str, float]:
    seconds = {}
    for name, run in phases.items():
        start = now(device)
        run()
        seconds[name] = now(device) - start
    return seconds


class PeakStorage(TorchDispatchMode):
    """Counts the bytes of live tensor storages created inside the block, exactly; CPU.

    `ignore` are tensors that were there before (parameters, data, optimiser state).
    """

    def __init__(self, ignore: Iterable[Tensor] = ()):
        super().__init__()
        self.current = self.peak = 0
        self._live: dict[int, int] = {}
        self._kept = [tensor.untyped_storage() for tensor in ignore]  # held: no reuse of the address
        self._ignored = {storage._cdata for storage in self._kept}

    def restart(self) -> None:
        """Begin a new phase: its peak starts at what is live now."""
        self.peak = self.current

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._note(leaf.untyped_storage())
        return out

    def _note(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if size == 0 or key in self._live or key in self._ignored:
            return
        self._live[key] = size
        self.current += size
        self.peak = max(self.peak, self.current)
        weakref.finalize(storage, self._forget, key).atexit = False

    def _forget(self, key: int) -> None:
        self.current -= self._live.pop(key, 0)


def peak_bytes(
    phases: Phases, existing: Iterable[Tensor], device: torch.device, *, compiled: bool = False
) -> dict[str, int]:
    """Peak of each phase of one iteration above the level before the iteration; `compiled` if any of it is.

    Run the phases warm before, so that optimiser state and caches exist already.
    """
    gc.collect()
    if device.type == "cuda":
        return _peak_on_cuda(phases, device)
    return _peak_of_traced(phases) if compiled else _peak_of_storages(phases, existing)


def _peak_of_traced(phases: Phases) -> dict[str, int]:
    """By the profiler's trace of the allocator: compiled code bypasses the dispatcher, which PeakStorage needs."""
    live, peaks = 0, {}
    for name, run in phases.items():
        with torch.profiler.profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as trace:
            run()
        levels = list(accumulate(_allocations(trace), initial=live))
        peaks[name], live = max(levels), levels[-1]
    return peaks


def _allocations(trace: torch.profiler.profile) -> list[int]:
    """Bytes allocated, or freed where negative, in the order of time."""
    assert trace.profiler is not None
    assert trace.profiler.kineto_results is not None
    queue, found = list(trace.profiler.kineto_results.experimental_event_tree()), []
    while queue:
        event = queue.pop()
        queue += event.children
        what = event.typed[1]
        if isinstance(what, _ExtraFields_Allocation):
            found.append((event.start_time_ns, what.alloc_size))
    return [size for _, size in sorted(found, key=itemgetter(0))]


def _peak_of_storages(phases: Phases, existing: Iterable[Tensor]) -> dict[str, int]:
    peaks = {}
    with PeakStorage(existing) as meter:
        for name, run in phases.items():
            meter.restart()
            run()
            peaks[name] = meter.peak
    return peaks


def _peak_on_cuda(phases: Phases, device: torch.device) -> dict[str, int]:
    torch.cuda.synchronize(device)
    base, peaks = torch.cuda.memory_allocated(device), {}
    for name, run in phases.items():
        torch.cuda.reset_peak_memory_stats(device)
        run()
        torch.cuda.synchronize(device)
        peaks[name] = torch.cuda.max_memory_allocated(device) - base
    return peaks


def compare_gradients(gradients: Iterable[Tensor], exact: Iterable[Tensor]) -> tuple[float, float]:
    """Relative error and cosine of a gradient against the exact one, all parameters as one vector, float64."""
    g = torch.cat([part.detach().double().flatten() for part in gradients])
    reference = torch.cat([part.detach().double().flatten() for part in exact])
    error = (g - reference).norm() / reference.norm()
    cosine = torch.dot(g, reference) / (g.norm() * reference.norm())
    return float(error), float(cosine)
