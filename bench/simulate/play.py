"""One play: plan, drive, and add up."""

import resource
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Event

import numpy as np
import pandas as pd

from bench.cell import Task
from bench.declarations import BadInput
from bench.driver import Driver
from bench.engine import refuse_impossible
from bench.expand import Expansion
from bench.plan import Plan, make_plan
from bench.simulate.cluster import Cluster
from bench.simulate.durations import DrawnDurations
from bench.simulate.workers import HOUR_S, SimulatedWorkers
from bench.status import Status


@dataclass(frozen=True)
class Planning:
    """What it took this process to plan the grid."""

    plan: Plan
    seconds: float
    peak_bytes: int  # above what the process had before


@dataclass(frozen=True)
class Outcome:
    """What a grid would take on the cluster."""

    cells: int
    makespan_s: float
    attempts: Counter[str]  # by status
    unfinished: int  # cells whose last attempt was lost
    lost_s: float  # of attempts that were lost
    cpu_share: float  # of the processors' time while their nodes were up, taken by cells
    gpu_share: float | None
    cost: float
    likeness: Counter[str]  # how many durations were drawn from which stored rows
    driver_s: float  # what this play took, most of it the driver's own work


def plan_all(cells: Expansion, rows: pd.DataFrame) -> Planning:
    """Plan every cell of a grid, in the order that the stored rows advise, as if none had been run."""
    before, start = _peak_bytes(), time.perf_counter()
    plan = make_plan(cells, rows.assign(fingerprint=""))
    return Planning(plan, time.perf_counter() - start, _peak_bytes() - before)


def play(tasks: Iterable[Task], samples: Iterable[Task], cluster: Cluster, rows: pd.DataFrame, seed: int) -> Outcome:
    """Run made-up cells on a made-up cluster. Raises BadInput: a request that no node meets, an unknown duration."""
    stream = np.random.default_rng(seed)
    durations = DrawnDurations(rows, cluster.unknown_s, stream)
    workers = SimulatedWorkers(cluster, durations, stream)
    refuse_impossible(workers.impossible, samples)
    attempts: Counter[str] = Counter()
    lost: set[str] = set()
    start = time.perf_counter()
    for batch in Driver(workers, workers.clock).run(tasks, Event()):
        for row in batch:
            attempts[row["status"]] += 1
            (lost.add if row["status"] == Status.LOST else lost.discard)(row["cell_id"])
    if not attempts:
        raise BadInput("the plan has nothing to run")
    ups = [(node.kind, node.up_until(workers.now)) for node in workers.nodes]
    cpu_s, gpu_s = (sum(up * getattr(kind, name) for kind, up in ups) for name in ("cpus", "gpus"))
    return Outcome(
        cells=attempts.total() - _again(attempts, lost),
        makespan_s=workers.now,
        attempts=attempts,
        unfinished=len(lost),
        lost_s=workers.use.lost_s,
        cpu_share=workers.use.cpu_s / cpu_s,
        gpu_share=workers.use.gpu_s / gpu_s if gpu_s else None,
        cost=sum(up / HOUR_S * kind.price_per_hour for kind, up in ups),
        likeness=durations.likeness,
        driver_s=time.perf_counter() - start,
    )


def _again(attempts: Counter[str], lost: set[str]) -> int:
    """How many attempts were followed by another one."""
    return attempts[Status.LOST] - len(lost)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
