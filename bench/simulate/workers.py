"""Made-up workers of a made-up cluster (`bench.driver.Workers`): a queue of events, and a clock that jumps.

The driver above them is the real one, so its window, its batches, its second attempts and its patience are what a
cluster would meet. Left out: data sets, which a run makes once, and memory that runs out.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Any

import numpy as np

from bench.cell import Task
from bench.driver import Gone, Started
from bench.resources import Request, unmet
from bench.simulate.cluster import Cluster
from bench.simulate.durations import DrawnDurations
from bench.simulate.nodes import Node, Taken
from bench.status import Status

HOUR_S = 3600.0
Handle = Any  # an int: the driver knows handles as what can be hashed
Report = tuple[int, Started | Gone | dict]


@dataclass
class Batch:
    """Tasks on their way; the first is the one that the worker is at."""

    tasks: deque[Task]
    request: Request
    cpus: float
    node: Node | None = None
    since: float | None = None  # start of that task


@dataclass
class Use:
    """What batches had of the cluster, and what of it was for nothing."""

    cpu_s: float = 0.0
    gpu_s: float = 0.0
    lost_s: float = 0.0  # of cells whose worker or node failed

    def add(self, taken: Taken, now: float) -> None:
        self.cpu_s += taken.cpus * (now - taken.since)
        self.gpu_s += taken.request.gpus * (now - taken.since)


class SimulatedWorkers:
    """The nodes of a cluster, and the batches on them."""

    def __init__(self, cluster: Cluster, durations: DrawnDurations, stream: np.random.Generator):
        self.cluster, self.durations, self.stream = cluster, durations, stream
        self.nodes = [Node(kind) for kind in cluster.nodes for _ in range(kind.count)]
        self.slots = sum(node.kind.cpus for node in self.nodes)
        self.use, self.now = Use(), 0.0
        self._numbers = count()
        self._unmets: dict[tuple[Request, float], str | None] = {}  # of the nodes that are up
        self._batches: dict[int, Batch] = {}
        self._waiting: dict[tuple[Request, float], deque[int]] = defaultdict(deque)  # by what they ask for
        self._events: list[tuple[float, int, Callable[[float], Iterator[Report]]]] = []
        for node in self.nodes:
            self._fail_later(node)

    def clock(self) -> float:
        return self.now

    def submit(self, tasks: Sequence[Task]) -> int:
        handle, request = next(self._numbers), tasks[0].request
        cpus = self._largest() if request.alone else request.cpus
        self._batches[handle] = Batch(deque(tasks), request, cpus)
        waiting = self._waiting[request, cpus]
        waiting.append(handle)
        if len(waiting) == 1:
            self._place(self.now)
        return handle

    def reports(self, timeout: float) -> Iterator[Report]:
        """What has happened by the time that the driver looks; it waits for one thing at least."""
        end = self.now + timeout
        if not self._events or self._events[0][0] > end:
            self.now = end
            return
        self.now = max(self.now, self._events[0][0])
        told = 0
        while self._events and self._events[0][0] <= self.now:
            moment, _, happen = heappop(self._events)
            for report in happen(moment):
                told += 1
                yield report
        self.now += told * self.cluster.report_s

    def stop(self, handle: Handle) -> None:
        if handle in self._batches:
            self._at(self.now, lambda now: self._end(handle, now, Gone(error=RuntimeError("stopped"))))

    def group(self, task: Task) -> tuple:
        return (task.cell.system, id(task.protocol)) if task.needs_data else None, task.request

    def impossible(self, task: Task) -> str | None:
        request = task.request
        return self._unmet(request, self._largest() if request.alone else request.cpus)

    def hopeless(self, handle: Handle) -> str | None:
        batch = self._batches.get(handle)
        return self._unmet(batch.request, batch.cpus) if batch else None

    def _unmet(self, request: Request, cpus: float) -> str | None:
        if (request, cpus) not in self._unmets:
            wanted = {"CPU": cpus, "memory": float(request.memory_bytes), "GPU": request.gpus}
            self._unmets[request, cpus] = unmet(wanted, [node.offer for node in self.nodes if node.up])
        return self._unmets[request, cpus]

    def _largest(self) -> float:
        """Processors of the largest node that is up; of any, while none is."""
        up = [node for node in self.nodes if node.up] or self.nodes
        return max(node.kind.cpus for node in up)

    def _at(self, moment: float, happen: Callable[[float], Iterator[Report]]) -> None:
        heappush(self._events, (moment, next(self._numbers), happen))

    def _place(self, now: float, nodes: Sequence[Node] | None = None) -> None:
        """Start what waits and fits, on these nodes or on any; the longest waiting of each request first."""
        for (request, cpus), waiting in self._waiting.items():
            for node in self.nodes if nodes is None else nodes:
                while waiting and node.take(waiting[0], request, cpus, now):
                    self._start(waiting.popleft(), node, now)

    def _start(self, handle: int, node: Node, now: float) -> None:
        self._batches[handle].node = node
        self._at(now + self.cluster.batch_s, lambda moment: self._begin(handle, moment))

    def _begin(self, handle: int, now: float) -> Iterator[Report]:
        if handle in self._batches:
            self._run_next(handle, now)
            yield handle, Started("made up")

    def _run_next(self, handle: int, now: float) -> None:
        """The first task of a batch begins: it will end, by itself or by its alarm, or take its worker along."""
        batch = self._batches[handle]
        batch.since, task = now, batch.tasks[0]
        seconds, limit = self.durations.draw(task.cell), task.timeout_s or float("inf")
        lives = self._until_failure(self.cluster.worker_fails_after_h)
        if lives < min(seconds, limit):
            lost = Gone(Status.LOST, RuntimeError("the worker failed"))
            self._at(now + lives, lambda moment: self._end(handle, moment, lost))
        else:
            status = Status.OK if seconds <= limit else Status.TIMEOUT
            self._at(now + min(seconds, limit), lambda moment: self._row(handle, moment, status))

    def _row(self, handle: int, now: float, status: Status) -> Iterator[Report]:
        batch = self._batches.get(handle)
        if batch is None:
            return
        task = batch.tasks.popleft()
        yield handle, {"cell_id": task.cell_id, "status": status.value, "wall_s": now - (batch.since or 0.0)}
        if batch.tasks:
            self._run_next(handle, now)
        else:
            yield from self._end(handle, now, Gone())

    def _end(self, handle: int, now: float, gone: Gone) -> Iterator[Report]:
        """A batch is over; what it had goes to those that wait."""
        batch = self._batches.pop(handle, None)
        if batch is None:
            return
        if batch.node is None:
            self._waiting[batch.request, batch.cpus].remove(handle)
        elif handle in batch.node.handles:
            self.use.add(batch.node.give_back(handle), now)
            self._place(now, [batch.node])
        if batch.tasks and batch.since is not None:
            self.use.lost_s += now - batch.since
        yield handle, gone

    def _until_failure(self, mean_h: float | None) -> float:
        return float("inf") if mean_h is None else float(self.stream.exponential(mean_h * HOUR_S))

    def _fail_later(self, node: Node) -> None:
        if (seconds := self._until_failure(node.kind.fails_after_h)) < float("inf"):
            self._at(self.now + seconds, lambda now: self._fail(node, now))

    def _fail(self, node: Node, now: float) -> Iterator[Report]:
        lost = list(node.handles)
        for handle in lost:
            self.use.add(node.handles[handle], now)
        self._turn(node, now)
        for handle in lost:
            yield from self._end(handle, now, Gone(Status.LOST, RuntimeError("the node failed")))
        self._at(now + node.kind.back_after_s, lambda moment: self._come_back(node, moment))

    def _come_back(self, node: Node, now: float) -> Iterator[Report]:
        self._turn(node, now)
        self._place(now, [node])
        self._fail_later(node)
        return iter(())

    def _turn(self, node: Node, now: float) -> None:
        node.turn(now)
        self._unmets.clear()
