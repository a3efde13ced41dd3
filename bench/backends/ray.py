"""Cells as Ray core tasks. The only file that imports Ray.

Ray retries nothing (`max_retries=0`): attempts are the driver's. A bounded window of tasks is in flight; each
data set is made by one task, once, and shared through the object store.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from time import monotonic

os.environ.setdefault("RAY_AUTH_MODE", "token")  # read at import; without it Ray warns and listens to anyone
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_SCHEDULER_EVENTS", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")  # a CPU cell sees no GPU
os.environ.setdefault("OMP_NUM_THREADS", "1")

import ray
import ray.exceptions

from bench.attempt import failure, opening, run_cell
from bench.cell import Task
from bench.data import Dataset, data_key, make_dataset
from bench.status import Status

GRACE_S = 10.0  # what running cells get after an interruption
TASKS_PER_SLOT = 2  # in flight, so that a free worker never waits for the driver
OBJECT_STORE_BYTES = 1 << 30


@ray.remote(max_retries=2)
def _make_dataset(system: str, task: Task) -> Dataset:
    return make_dataset(system, task.protocol)


@ray.remote(max_retries=0)
def _run_cell(task: Task, dataset: Dataset | None) -> dict:
    def shared() -> Dataset:
        assert dataset is not None
        return dataset

    return run_cell(task, shared)


@contextmanager
def cluster(workers: int, address: str | None) -> Iterator[float]:
    """A local Ray of so many workers, or a connection to a running one; gives the number of CPUs."""
    options = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        options |= {"num_cpus": workers, "object_store_memory": OBJECT_STORE_BYTES}
    ray.init(address=address or "local", **options)
    try:
        yield ray.cluster_resources().get("CPU", 0.0)
    finally:
        ray.shutdown()


@dataclass
class Flight:
    """The tasks that are in flight, and the data sets that they share."""

    slots: float
    running: dict[ray.ObjectRef, Task] = field(default_factory=dict)
    datasets: dict[str, ray.ObjectRef] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return len(self.running) >= TASKS_PER_SLOT * self.slots

    def submit(self, task: Task) -> None:
        cpus = largest_node() if task.cell.exclusive else 1
        options = {"num_cpus": cpus, "name": task.cell.label}
        self.running[_run_cell.options(**options).remote(task, self._dataset(task))] = task

    def collect(self, timeout: float) -> list[dict]:
        """The rows of the tasks that have ended, after waiting for one."""
        done, _ = ray.wait(list(self.running), num_returns=1, timeout=timeout)
        return [self._row(ref) for ref in done]

    def cancel(self) -> None:
        for ref in self.running:
            ray.cancel(ref, force=True)

    def _dataset(self, task: Task) -> ray.ObjectRef | None:
        if not task.cell.learns:
            return None
        key = data_key(task.cell.system, task.protocol)
        if key not in self.datasets:
            self.datasets[key] = _make_dataset.remote(task.cell.system, task)
        return self.datasets[key]

    def _row(self, ref: ray.ObjectRef) -> dict:
        task = self.running.pop(ref)
        try:
            return ray.get(ref)
        except ray.exceptions.RayTaskError as error:
            return opening(task) | failure(Status.ERROR, error, "data")
        except ray.exceptions.OutOfMemoryError as error:
            return opening(task) | failure(Status.OOM, error, "worker")
        except ray.exceptions.RayError as error:
            return opening(task) | failure(Status.LOST, error, "worker")


def run(tasks: Iterable[Task], stop: Event, slots: float) -> Iterator[dict]:
    """The row of each task. When `stop` is set nothing more is submitted and running cells get a short grace."""
    flight, waiting, deadline = Flight(slots), iter(tasks), float("inf")
    exhausted = False
    while True:
        while not (stop.is_set() or exhausted or flight.full):
            task = next(waiting, None)
            exhausted = task is None
            if task is not None:
                flight.submit(task)
        if not flight.running:
            return
        if stop.is_set():
            deadline = min(deadline, monotonic() + GRACE_S)
            if monotonic() > deadline:
                flight.cancel()
                return
        yield from flight.collect(timeout=0.5)


def largest_node() -> float:
    """CPUs of the largest node: what a timed cell asks for, to have one to itself."""
    return max(node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"])
