"""Cells as Ray core tasks. The only file that imports Ray.

Ray retries nothing (`max_retries=0`): attempts are the driver's. A batch of cells is one task that streams what it
has to report; each data set is made by one task, once, and shared through the object store.
"""

import os
import resource
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("RAY_AUTH_MODE", "token")  # read at import; without it Ray warns and listens to anyone
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_SCHEDULER_EVENTS", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")  # a CPU cell sees no GPU
os.environ.setdefault("OMP_NUM_THREADS", "1")

import ray
import ray.exceptions
from ray._private import ray_constants
from ray.util.metrics import Counter, Gauge, Histogram

from bench.attempt import run_cell, this_worker
from bench.cell import Task
from bench.data import Dataset, data_key, make_dataset
from bench.deadline import TimeLimit, time_limit
from bench.declarations import BadInput
from bench.driver import Gone, Started
from bench.log import OUTPUT, listening
from bench.own_data import OwnData
from bench.protocol import Protocol
from bench.provenance import REPOSITORY
from bench.resources import Request, unmet
from bench.status import Status

Amounts = dict[str, float]  # of resources, by Ray's names
ARGUMENTS = {"CPU": "num_cpus", "memory": "memory", "GPU": "num_gpus"}
Stream = Any  # ray.ObjectRefGenerator, which is missing in Ray's types

QUIET = {"log_to_driver": False, "logging_level": "ERROR"}
OUR_CODE = [str(REPOSITORY / package) for package in ("systems", "models", "bench")]
ALONE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
OBJECT_STORE_BYTES = 1 << 30
CONNECT_S = 60.0  # Ray itself would try for ten minutes
SECONDS = [0.1, 1.0, 10.0, 60.0, 600.0, 3600.0]  # bounds of the histogram of wall times
BY_JOB = "Submit the run as a job (deploy/README.md), or start it on a node of the cluster: --address auto"
NODES_S = 2.0  # for so long what the nodes offer is not asked again


@ray.remote(max_retries=2)
def _make_dataset(system: str, task: Task) -> Dataset:
    try:
        with time_limit(task.timeout_s):
            return make_dataset(system, task.protocol)
    except TimeLimit as limit:
        raise TimeoutError(str(limit)) from limit  # Ray takes what is no Exception for a crash


@ray.remote(max_retries=0, num_returns="streaming")
def _run_cells(tasks: Sequence[Task], dataset: Dataset | None) -> Iterator[Started | dict]:
    yield Started(this_worker())
    for task in tasks:
        with listening() as said:
            row = run_cell(task, partial(_given, dataset))
        _note_memory()
        yield row | {OUTPUT: said[0]} if said[0] else row


def _note_memory() -> None:
    """Tell Prometheus how much memory this worker has needed so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    _worker_memory().set(peak)


@cache
def _worker_memory() -> Gauge:
    return Gauge("bench_worker_peak_bytes", "Largest resident memory of a worker so far")


def _given(dataset: Dataset | None) -> Dataset:
    assert dataset is not None
    return dataset


@contextmanager
def cluster(workers: int, address: str | None) -> Iterator["RayWorkers"]:
    """A local Ray of so many workers, or a connection to a running one. Raises BadInput."""
    on_term = signal.getsignal(signal.SIGTERM)
    try:
        start(workers) if address is None else connect(address)
        signal.signal(signal.SIGTERM, on_term)  # Ray sets one of its own
        yield RayWorkers()
    finally:
        ray.shutdown()


def start(workers: int) -> None:
    """Start a Ray of this machine alone. Raises BadInput if it does not come up."""
    options = {"num_cpus": workers, "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
    try:
        with loopback():
            ray.init(address="local", **QUIET, **options)
    except Exception as error:  # Ray raises just that
        advice = "Is the machine very busy, or short of memory? Try again, or without Ray: --backend inline"
        raise BadInput(f"Ray did not start on this machine: {error}. {advice}") from error


@contextmanager
def loopback() -> Iterator[None]:
    """A Ray that is started in the block listens to this machine alone.

    On Linux, Ray takes an outer address for its own and listens everywhere, unless it is told that it is to form no
    clusters, by a variable with a narrow name. One that is set already stands: whoever set it asked otherwise.
    """
    if ALONE in os.environ:
        yield
        return
    before = ray_constants.ENABLE_RAY_CLUSTER  # was read from the variable when Ray was imported
    os.environ[ALONE], ray_constants.ENABLE_RAY_CLUSTER = "0", False
    try:
        yield
    finally:
        del os.environ[ALONE]
        ray_constants.ENABLE_RAY_CLUSTER = before


def connect(address: str) -> None:
    """Join a running cluster, and take our code along. Raises BadInput: nobody answers, or another version does."""
    advice = "Is it running, and is this its address (`ray status`)? Without --address a local Ray is started."
    place = urlsplit(address if "://" in address else f"//{address}")
    if place.scheme in ("http", "https"):
        raise BadInput(f"{address} takes jobs (`ray job submit`), and no cells: cells join at auto or HOST:PORT")
    try:
        if place.port:  # Ray gives up only after minutes
            socket.create_connection((place.hostname or "", place.port), timeout=5).close()
        if place.scheme == "ray":
            raise BadInput(f"{address}: rows cannot stream through Ray Client. {BY_JOB}")
        with time_limit(CONNECT_S):
            ray.init(address=address, runtime_env={"py_modules": OUR_CODE}, **QUIET)
    except TimeLimit as error:
        raise BadInput(f"no Ray answered at {address} within {CONNECT_S:g} s. {advice}") from error
    except BadInput:
        raise
    except (OSError, ValueError) as error:
        raise BadInput(f"no Ray answers at {address}: {error}. {advice}") from error
    except (RuntimeError, ray.exceptions.RayError) as error:
        raise BadInput(f"the Ray at {address} cannot be used from here: {error}") from error


class Metrics:
    """What Ray offers to Prometheus about this run, each name with `ray_` before it."""

    def __init__(self) -> None:
        self._done = Counter("bench_cells_done", "Attempts at cells that ended, by status", ("status",))
        self._failed = Counter("bench_cells_failed", "Those that ended neither well nor as diverged")
        self._seconds = Histogram("bench_cell_seconds", "Wall time of cells", SECONDS, ("kind", "model"))
        self.running = Gauge("bench_batches_running", "Batches of cells that a worker is at")

    def note(self, row: dict) -> None:
        """An attempt ended."""
        self._done.inc(tags={"status": row["status"]})
        if not Status(row["status"]).finished:
            self._failed.inc()
        if row.get("wall_s"):
            self._seconds.observe(row["wall_s"], {"kind": row["kind"], "model": row["model"]})


class RayWorkers:
    """The workers of the cluster that this process is connected to (`bench.driver.Workers`)."""

    def __init__(self) -> None:
        self.slots: float = ray.cluster_resources().get("CPU", 0.0)
        self.metrics = Metrics()
        self._begun: set[Stream] = set()
        self._live: dict[Stream, Amounts] = {}  # and what each asked for
        self._datasets: dict[str, ray.ObjectRef] = {}
        self._keys: dict[tuple[str, int], tuple[Protocol | OwnData, str]] = {}  # (protocol, key): its id stays taken
        self._largest = self.slots  # processors of a node; before any is known, more than one has
        self._nodes: tuple[float, list[Amounts]] = (float("-inf"), [])

    def submit(self, tasks: Sequence[Task]) -> Stream:
        wanted = self.wanted(tasks[0].request)
        options = {ARGUMENTS[name]: amount for name, amount in wanted.items()}
        more = f" and {len(tasks) - 1} more" if len(tasks) > 1 else ""
        named = _run_cells.options(name=tasks[0].cell.label + more, **options)
        stream = named.remote(list(tasks), self._dataset(tasks[0]))
        self._live[stream] = wanted
        return stream

    def reports(self, timeout: float) -> Iterator[tuple[Stream, Started | Gone | dict]]:
        """What the batches have to say, after waiting for one of them."""
        ray.wait(list(self._live), num_returns=1, timeout=timeout)
        ready, _ = ray.wait(list(self._live), num_returns=len(self._live), timeout=0)
        for stream in ready:
            report = self._next(stream)
            if isinstance(report, Started):
                self._begun.add(stream)
            elif isinstance(report, Gone):
                self._live.pop(stream, None)
                self._begun.discard(stream)
            yield stream, report
        self.metrics.running.set(len(self._begun))

    def stop(self, handle: Stream) -> None:
        ray.cancel(handle, force=True)

    def group(self, task: Task) -> tuple:
        return self._data_of(task), task.request

    def impossible(self, task: Task) -> str | None:
        """Why no node of this cluster can ever run the task, or None if one can."""
        return unmet(self.wanted(task.request), self._offers())

    def hopeless(self, handle: Stream) -> str | None:
        """The same of what a batch asked for when it was submitted."""
        return unmet(self._live.get(handle, {}), self._offers())

    def wanted(self, request: Request) -> Amounts:
        """A request in Ray's words; what is to be alone has all processors of the largest node."""
        if largest := max((offer.get("CPU", 0.0) for offer in self._offers()), default=0.0):
            self._largest = largest  # while no worker node is there, what the last one had
        amounts = {"CPU": self._largest if request.alone else request.cpus, "memory": float(request.memory_bytes)}
        return amounts | ({"GPU": request.gpus} if request.gpus else {})

    def taken(self, row: dict) -> float:
        """Processors that the cell of a row had: all of a node if it was timed on them, else one, as most ask for."""
        return self._largest if row["kind"] == "profile" and row["device"] == "cpu" else 1.0

    def _offers(self) -> list[Amounts]:
        """What each node has, taken or not."""
        asked, offers = self._nodes
        if monotonic() > asked + NODES_S:
            offers = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            self._nodes = monotonic(), offers
        return offers

    def _data_of(self, task: Task) -> str | None:
        if not task.needs_data:
            return None
        known = task.cell.system, id(task.protocol)
        if known not in self._keys:
            self._keys[known] = task.protocol, data_key(task.cell.system, task.protocol)
        return self._keys[known][1]

    def _dataset(self, task: Task) -> ray.ObjectRef | None:
        key = self._data_of(task)
        if key is None:
            return None
        if key not in self._datasets:
            self._datasets[key] = _make_dataset.remote(task.cell.system, task)
        return self._datasets[key]

    def _next(self, stream: Stream) -> Started | Gone | dict:
        try:
            report: Any = ray.get(next(stream))
            return report
        except StopIteration:
            return Gone()
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, ray.exceptions.RayError):  # a data set went away with its node
                self._datasets.clear()
                return Gone(Status.LOST, error)
            status = Status.TIMEOUT if isinstance(error.cause, TimeoutError) else Status.ERROR
            return Gone(status, error, "data")
        except ray.exceptions.OutOfMemoryError as error:
            return Gone(Status.OOM, error)
        except ray.exceptions.RayError as error:
            return Gone(Status.LOST, error)
