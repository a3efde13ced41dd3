"""What becomes of tasks whose workers are lost, hang, or never come: with workers that are made up, and no Ray."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain, cycle
from threading import Event

import pytest

from bench import driver
from bench.attempt import opening
from bench.cell import Task
from bench.driver import Driver, Gone, Started
from bench.resources import GIB, Request
from bench.status import Status


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class MadeUp:
    """Workers that take a second for each cell, and do with some what `fate` says: lost, deaf, never, pending."""

    clock: Clock
    fate: Callable[[Task], str | None] = lambda task: None
    slots: float = 2.0
    free: bool = True
    submitted: list[list[Task]] = field(default_factory=list)
    running: dict[int, deque[Task]] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    stopped: list[int] = field(default_factory=list)

    def submit(self, tasks) -> int:
        self.submitted.append(list(tasks))
        self.running[len(self.submitted)] = deque(tasks)
        return len(self.submitted)

    def reports(self, timeout: float) -> Iterator[tuple[int, Started | Gone | dict]]:
        self.clock.now += 1
        for handle in [handle for handle in self.running if self.free]:
            tasks = self.running[handle]
            fate = self.fate(tasks[0]) if tasks else "done"
            if fate in ("never", "moved") and handle not in self.stopped:
                continue
            if handle in self.stopped and fate != "immortal":
                del self.running[handle]
                yield handle, Gone(error=RuntimeError("cancelled"))
            elif handle not in self.begun:
                self.begun.add(handle)
                yield handle, Started(f"host:{handle}")
            elif fate == "lost":
                del self.running[handle]
                yield handle, Gone(error=RuntimeError("the worker died"))
            elif fate == "node full":
                del self.running[handle]
                yield handle, Gone(Status.OOM, RuntimeError("the node was short of memory"))
            elif fate == "done":
                del self.running[handle]
                yield handle, Gone()
            elif fate not in ("deaf", "immortal"):
                task = tasks.popleft()
                status = "oom" if fate in ("oom", "too large") else "ok"
                yield handle, opening(task) | {"status": status, "wall_s": 0.01, "worker": f"host:{handle}"}

    def stop(self, handle: int) -> None:
        self.stopped.append(handle)

    def group(self, task: Task) -> object:
        return task.cell.system

    def impossible(self, task: Task) -> str | None:
        return "no node has 9 GPUs" if self.fate(task) in ("never", "too large") else None

    def hopeless(self, handle: int) -> str | None:
        return "no node has 9 GPUs" if self.fate(self.running[handle][0]) in ("never", "moved") else None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def many(tasks: list[Task]) -> list[Task]:
    """Forty tasks, seeds 0 to 39, with a limit of 20 s."""
    task = replace(tasks[0], timeout_s=20.0)
    return [replace(task, cell_id=str(seed), cell=replace(task.cell, seed=seed)) for seed in range(40)]


def run(workers: MadeUp, tasks: Iterable[Task], stop: Event | None = None) -> Iterator[dict]:
    return chain.from_iterable(Driver(workers, workers.clock).run(tasks, stop or Event()))


def outcomes(rows: list[dict]) -> dict[int, list[str]]:
    """The statuses of each seed's attempts, in order; checks that attempts count on."""
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row["seed"], []).append(row["status"])
        assert row["attempt"] == len(found[row["seed"]])
    return found


def test_every_task_has_one_row(clock: Clock, many: list[Task]):
    rows = list(run(MadeUp(clock), many))
    assert outcomes(rows) == {seed: ["ok"] for seed in range(40)}


def test_short_cells_are_sent_several_at_a_time_and_unlike_ones_apart(clock: Clock, many: list[Task]):
    other = [replace(task, cell=replace(task.cell, system="pendulum")) for task in many]
    workers = MadeUp(clock)
    list(run(workers, [*many, *other]))
    assert len(workers.submitted[0]) == 1, "nothing is known of the first"
    assert max(map(len, workers.submitted)) > 10
    assert all(len({task.cell.system for task in batch}) == 1 for batch in workers.submitted)
    assert sum(map(len, workers.submitted)) == 80


def test_only_a_bounded_window_is_in_flight(clock: Clock, many: list[Task]):
    workers, taken = MadeUp(clock), []

    def stream() -> Iterator[Task]:
        for task in many:
            taken.append(task)
            yield task

    done = 0
    for rows in Driver(workers, clock).run(stream(), Event()):
        done += len(rows)
        assert len(workers.running) <= driver.BATCHES_PER_SLOT * workers.slots
        assert len(taken) - done <= sum(map(len, workers.running.values())) + 1, "one more is looked at, at most"
    assert done == 40


def test_a_cell_that_takes_its_worker_along_is_tried_three_times_and_its_batch_lives_on(
    clock: Clock, many: list[Task]
):
    workers = MadeUp(clock, fate=lambda task: "lost" if task.cell.seed == 30 else None)
    rows = list(run(workers, many))
    assert outcomes(rows) == {seed: ["ok"] for seed in range(40)} | {30: ["lost"] * 3}
    (first, *later) = [batch for batch in workers.submitted if any(task.cell.seed == 30 for task in batch)]
    assert len(first) > 1
    assert [len(batch) for batch in later] == [1, 1], "what was lost before runs alone"
    lost = [row for row in rows if row["seed"] == 30]
    assert all(row["worker"].startswith("host:") and row["wall_s"] > 0 for row in lost)
    assert {(row["phase"], row["exception"], row["reason"]) for row in lost} == {
        ("worker", "RuntimeError", "the worker died")
    }


def test_a_cell_that_is_lost_once_ends_well(clock: Clock, many: list[Task]):
    fate = lambda task: "lost" if (task.cell.seed, task.attempt) == (7, 1) else None  # noqa: E731
    rows = list(run(MadeUp(clock, fate), many))
    assert outcomes(rows)[7] == ["lost", "ok"]


def test_a_lost_cell_comes_again_though_no_node_is_left_that_could_run_it_now(clock: Clock, many: list[Task]):
    fate = lambda task: "lost" if task.attempt == 1 else None  # noqa: E731
    workers = MadeUp(clock, fate)
    workers.impossible = lambda task: "all nodes are gone"
    assert outcomes(list(run(workers, many[:1]))) == {0: ["lost", "ok"]}


def test_attempts_count_on_from_those_of_earlier_runs(clock: Clock, many: list[Task]):
    workers = MadeUp(clock, fate=lambda task: "lost")
    rows = list(run(workers, [replace(many[0], attempt=5)]))
    assert [row["attempt"] for row in rows] == [5, 6, 7]


@pytest.mark.parametrize("fate", ["deaf", "immortal"])
def test_a_cell_that_is_deaf_to_its_alarm_is_stopped(clock: Clock, many: list[Task], fate: str):
    workers = MadeUp(clock, fate=lambda task: fate if task.cell.seed == 30 else None)
    rows = list(run(workers, many))
    assert outcomes(rows) == {seed: ["ok"] for seed in range(40)} | {30: ["timeout"]}
    (row,) = [row for row in rows if row["seed"] == 30]
    assert "time limit of 20 s" in row["reason"]
    least = 20 + driver.ALARM_GRACE_S
    assert least <= row["wall_s"] <= least + (3 if fate == "deaf" else driver.STOP_GRACE_S + 3)


def test_the_clock_starts_with_the_cell_not_with_the_queue(clock: Clock, many: list[Task]):
    workers = MadeUp(clock, free=False)
    going = run(workers, many[:4])
    clock.now += 500  # all workers are busy with something else
    workers.free = True
    assert outcomes(list(going)) == {seed: ["ok"] for seed in range(4)}


def test_what_no_node_can_give_is_waited_for_and_then_said(clock: Clock, many: list[Task]):
    workers = MadeUp(clock, fate=lambda task: "never" if task.cell.seed == 0 else None)
    start = clock.now
    rows = list(run(workers, many[:5]))
    assert outcomes(rows) == {0: ["lost"], **{seed: ["ok"] for seed in range(1, 5)}}
    (row,) = [row for row in rows if row["seed"] == 0]
    assert (row["phase"], row["reason"], row["worker"]) == ("pending", "no node has 9 GPUs", None)
    assert clock.now - start >= driver.PENDING_S


def test_a_cell_that_outgrows_its_share_of_a_card_climbs_to_the_next(clock: Clock, many: list[Task]):
    small = [replace(task, request=Request(gpus=0.25)) for task in many]
    fits = {3: 0.5, 4: 1.0, 5: 2.0}  # the last one on no card
    workers = MadeUp(clock, lambda task: "oom" if task.request.gpus < fits.get(task.cell.seed, 0) else None)
    rows = list(run(workers, small))
    expected = {3: ["oom", "ok"], 4: ["oom", "oom", "ok"], 5: ["oom", "oom", "oom"]}
    assert outcomes(rows) == {seed: ["ok"] for seed in range(40)} | expected
    assert [row["gpu_share"] for row in rows if row["seed"] == 5] == [0.25, 0.5, 1.0]
    assert {row["gpu_share"] for row in rows if row["seed"] == 0} == {0.25}


@pytest.mark.parametrize(("gpus", "fate"), [(0.0, "oom"), (0.5, "too large")], ids=["no card", "no such card"])
def test_out_of_memory_is_final_where_no_larger_share_can_be_had(clock: Clock, many: list[Task], gpus, fate):
    tasks = [replace(task, request=Request(gpus=gpus)) for task in many[:2]]
    workers = MadeUp(clock, lambda task: fate if task.cell.seed == 1 else None)
    assert outcomes(list(run(workers, tasks))) == {0: ["ok"], 1: ["oom"]}


def test_a_cell_that_went_down_with_its_nodes_memory_asks_for_more(clock: Clock, many: list[Task]):
    needs = {7: 2 * GIB, 8: 64 * GIB}
    workers = MadeUp(
        clock, lambda task: "node full" if task.request.memory_bytes < needs.get(task.cell.seed, 0) else None
    )
    rows = list(run(workers, many[:20]))
    expected = {7: ["oom", "ok"], 8: ["oom"] * driver.ATTEMPTS}
    assert outcomes(rows) == {seed: ["ok"] for seed in range(20)} | expected
    asked = [batch[0].request.memory_bytes / GIB for batch in workers.submitted if batch[0].cell.seed == 8]
    assert asked[-2:] == [2, 4]


def test_a_batch_that_waits_for_a_node_that_went_away_asks_anew_of_those_that_are_there(
    clock: Clock, many: list[Task]
):
    first = {task.cell_id for task in many[:1]}
    workers = MadeUp(clock, lambda task: "moved" if task.cell_id in first and clock.now < moved else None)
    moved = clock.now + driver.PENDING_S + 5
    rows = list(run(workers, many[:5]))
    assert outcomes(rows) == {seed: ["ok"] for seed in range(5)}
    assert len([batch for batch in workers.submitted if batch[0].cell.seed == 0]) == 2


def test_a_stop_leaves_running_cells_a_grace_and_submits_nothing_more(clock: Clock, many: list[Task]):
    workers, stop = MadeUp(clock, fate=lambda task: "deaf" if task.cell.seed == 1 else None), Event()
    going = run(workers, many, stop)
    rows = [next(going)]
    stop.set()
    before, submitted = clock.now, len(workers.submitted)
    rows += list(going)
    assert driver.GRACE_S <= clock.now - before <= driver.GRACE_S + 3
    assert len(workers.submitted) == submitted
    assert {row["status"] for row in rows} == {Status.OK}
    assert 1 not in {row["seed"] for row in rows}
    assert workers.stopped


def test_a_clock_that_is_set_back_or_forth_changes_nothing(clock: Clock, many: list[Task], monkeypatch):
    days = cycle((-400, 1, 30))

    class Jumping(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=next(days))

    start = time.time()
    monkeypatch.setattr("bench.attempt.datetime", Jumping)
    monkeypatch.setattr(time, "time", lambda: start + 86400 * next(days))
    workers = MadeUp(clock, fate=lambda task: {30: "deaf", 7: "lost"}.get(task.cell.seed))
    rows = list(run(workers, many))
    assert outcomes(rows) == {seed: ["ok"] for seed in range(40)} | {30: ["timeout"], 7: ["lost"] * 3}
    assert len({row["started_at"][:10] for row in rows}) > 1, "the clock did jump"
    (row,) = [row for row in rows if row["seed"] == 30]
    assert 20 + driver.ALARM_GRACE_S <= row["wall_s"] <= 20 + driver.ALARM_GRACE_S + 3
