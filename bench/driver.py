"""From tasks to rows: what is in flight, time limits, lost workers, second attempts. Back ends know how to run cells.

A worker gets a batch of tasks and reports when it starts, then row after row. So the clock of a cell starts when the
cell does, and of a worker that goes away we know which cell it was at. There is one clock: this process's, monotonic.

A cell that outgrew its share of a card comes again with the next one; one that went down with the memory of its node
asks for twice as much.
"""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event
from time import monotonic
from typing import Protocol, runtime_checkable

from bench.attempt import failure, opening
from bench.cell import Task
from bench.resources import Request
from bench.status import Status

ATTEMPTS = 3  # at a cell whose worker is lost, or its node short of memory, in one run
GRACE_S = 10.0  # what running cells get after an interruption
ALARM_GRACE_S = 10.0  # what a worker gets to end a cell by its own alarm
STOP_GRACE_S = 30.0  # what a back end gets to stop a worker
PENDING_S = 60.0  # how long a request that no node can give waits for a node that can
TICK_S = 0.5
BATCHES_PER_SLOT = 2  # in flight, so that a free worker never waits for the driver
LARGEST_BATCH = 50
BATCH_S = 0.5  # cells shorter than this are sent several at a time


@dataclass(frozen=True)
class Started:
    """A worker begins the first task of its batch."""

    worker: str


@dataclass(frozen=True)
class Gone:
    """A batch is over: all its rows were reported, or `status` and `error` say why not."""

    status: Status = Status.LOST
    error: BaseException | None = None
    phase: str = "worker"


@runtime_checkable
class Workers(Protocol):
    """What a back end offers. A handle stands for one batch."""

    slots: float

    def submit(self, tasks: Sequence[Task]) -> Hashable: ...
    def reports(self, timeout: float) -> Iterable[tuple[Hashable, "Started | Gone | dict"]]: ...
    def stop(self, handle: Hashable) -> None: ...
    def group(self, task: Task) -> Hashable: ...  # tasks of unequal groups go to no common batch
    def impossible(self, task: Task) -> str | None: ...  # why no node can ever run it
    def hopeless(self, handle: Hashable) -> str | None: ...  # why no node can ever give what a batch asked for


@dataclass
class Flight:
    """A batch on its way. The first of `tasks` is the one that its worker is at."""

    tasks: deque[Task]
    worker: str | None = None
    since: float | None = None  # start of that task; None before its worker has reported
    verdict: Gone | None = None  # why the driver stopped it
    stopped: float = 0.0
    waiting: float | None = None  # since when no node can give what it asks for

    def row(self, end: Gone, now: float) -> dict:
        """The row of the task that the batch ended at."""
        error = end.error or EOFError("the worker ended its batch before this cell")
        elapsed = None if self.since is None else now - self.since
        columns = {"worker": self.worker, "wall_s": elapsed}
        return opening(self.tasks[0]) | failure(end.status, error, end.phase) | columns


class Driver:
    """One run on the workers of a back end."""

    def __init__(self, workers: Workers, clock: Callable[[], float] = monotonic):
        self.workers, self.clock = workers, clock
        self.flights: dict[Hashable, Flight] = {}
        self.front: deque[Task] = deque()  # goes before the tasks that were not looked at yet
        self.losses: Counter[str] = Counter()  # by cell id
        self.enforced = float("-inf")  # when
        self.recent: deque[float] = deque([BATCH_S], maxlen=LARGEST_BATCH)  # seconds of the last cells

    def run(self, tasks: Iterable[Task], stop: Event) -> Iterator[list[dict]]:
        """The row of each attempt, those together that came together.

        When `stop` is set nothing more is submitted and running cells get a grace.
        """
        waiting, deadline = iter(tasks), float("inf")
        while True:
            if stop.is_set():
                deadline = min(deadline, self.clock() + GRACE_S)
                self._clear(everything=self.clock() > deadline)
            else:
                self._fill(waiting)
            if not self.flights:
                return
            rows = [row for handle, report in self.workers.reports(TICK_S) for row in self._take(handle, report)]
            if rows := [*rows, *self._enforce()]:
                yield rows

    def _fill(self, waiting: Iterator[Task]) -> None:
        """Submit batches while there is room."""
        while len(self.flights) < BATCHES_PER_SLOT * self.workers.slots and (batch := self._batch(waiting)):
            self.flights[self.workers.submit(batch)] = Flight(deque(batch))

    def _batch(self, waiting: Iterator[Task]) -> list[Task]:
        """The next tasks for one worker: as many of one group as take about BATCH_S, what was lost before alone."""
        size = min(LARGEST_BATCH, BATCH_S / max(1e-9, sum(self.recent) / len(self.recent)))
        batch: list[Task] = []
        while (task := self.front.popleft() if self.front else next(waiting, None)) is not None:
            together = batch and self.workers.group(task) == self.workers.group(batch[0])
            if batch and not (together and task.cell_id not in self.losses and len(batch) < size):
                self.front.appendleft(task)
                break
            batch.append(task)
            if task.cell_id in self.losses:
                break
        return batch

    def _take(self, handle: Hashable, report: Started | Gone | dict) -> Iterator[dict]:
        flight = self.flights.get(handle)
        if flight is None:  # given up before
            return
        if isinstance(report, Started):
            flight.worker, flight.since = report.worker, self.clock()
        elif isinstance(report, Gone):
            yield from self._land(handle, flight.verdict or report)
        else:
            task = flight.tasks.popleft()
            flight.since, flight.verdict = self.clock(), None
            self.recent.append(report.get("wall_s") or 0.0)
            if report["status"] == Status.OOM:
                self._again(task, task.request.larger_share())
            yield report

    def _land(self, handle: Hashable, end: Gone) -> Iterator[dict]:
        """A batch is over: the cell that it ended at gets a row, those behind it go to another worker."""
        flight = self.flights.pop(handle)
        if not flight.tasks:
            return
        if end.phase == "pending" and not self.workers.impossible(flight.tasks[0]):
            self.front.extendleft(reversed(flight.tasks))  # nodes went away: there it asked for more than here
            return
        row, task = flight.row(end, self.clock()), flight.tasks.popleft()
        self.front.extendleft(reversed(flight.tasks))
        if end.phase == "worker" and end.status in (Status.LOST, Status.OOM):
            self.losses[task.cell_id] += 1
            if self.losses[task.cell_id] < ATTEMPTS:
                self._again(task, task.request if end.status is Status.LOST else task.request.more_memory())
        yield row

    def _again(self, task: Task, request: Request | None) -> None:
        """Another attempt, if there is such a request and some node can give more than before."""
        another = replace(task, attempt=task.attempt + 1, request=request or task.request)
        if request and (request == task.request or not self.workers.impossible(another)):
            self.front.appendleft(another)  # what was lost waits for nodes to come back

    def _enforce(self) -> Iterator[dict]:
        """Stop what is past its time limit, and what waits for something that no node has."""
        now = self.clock()
        if now < self.enforced + TICK_S:  # looks at all that is in flight
            return
        self.enforced = now
        for handle, flight in list(self.flights.items()):
            if flight.verdict:
                if now > flight.stopped + STOP_GRACE_S:
                    yield from self._land(handle, flight.verdict)
            elif verdict := self._overdue(flight, now) or self._hopeless(handle, flight, now):
                flight.verdict, flight.stopped = verdict, now
                self.workers.stop(handle)

    def _overdue(self, flight: Flight, now: float) -> Gone | None:
        limit = flight.tasks[0].timeout_s if flight.tasks else None
        if flight.since is None or limit is None or now < flight.since + limit + ALARM_GRACE_S:
            return None
        told = f"not done after its time limit of {limit:g} s and deaf to the alarm: its worker was stopped"
        return Gone(Status.TIMEOUT, TimeoutError(told))

    def _hopeless(self, handle: Hashable, flight: Flight, now: float) -> Gone | None:
        reason = None if flight.since is not None else self.workers.hopeless(handle)
        if reason is None:
            flight.waiting = None
            return None
        flight.waiting = flight.waiting or now
        return Gone(Status.LOST, LookupError(reason), "pending") if now > flight.waiting + PENDING_S else None

    def _clear(self, *, everything: bool) -> None:
        """Stop all batches, or those that no worker has begun."""
        for handle, flight in list(self.flights.items()):
            if everything or flight.since is None:
                self.workers.stop(handle)
                del self.flights[handle]
