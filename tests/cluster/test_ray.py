"""The Ray back end, with a real Ray."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from threading import Event, Timer
from time import monotonic, sleep
from urllib.request import urlopen

import pytest
import ray

from bench import driver
from bench.attempt import opening
from bench.backends import inline
from bench.backends import ray as back_end
from bench.backends.ray import RayWorkers
from bench.cell import Task
from bench.deadline import TimeLimit, time_limit
from bench.declarations import BadInput
from bench.driver import Driver, Started
from bench.engine import refuse_impossible
from bench.log import OUTPUT, listening
from bench.resources import Request
from bench.schema import SCHEMA, complete

pytestmark = [pytest.mark.cluster]

TINY = Path(__file__).parent.parent / "bench" / "tiny"
PERSONAL = {"worker", "started_at"}  # who and when
REPEATABLE = [f.name for f in SCHEMA if f.metadata[b"unit"] != b"s" and f.name not in PERSONAL]


def by_cell(rows: list[dict]) -> dict[str, dict]:
    return {row["cell_id"]: {name: complete(row)[name] for name in REPEATABLE} for row in rows}


def seeds(task: Task, count: int) -> list[Task]:
    return [replace(task, cell_id=str(seed), cell=replace(task.cell, seed=seed)) for seed in range(count)]


def use(monkeypatch, cell) -> None:
    """Run this in place of a cell, under its options. Made inside a test, so that Ray sends it by value."""

    def run_cells(tasks: list[Task], dataset: object):
        yield Started(f"{socket.gethostname()}:{os.getpid()}")
        for task in tasks:
            yield cell(task)

    options = back_end._run_cells._default_options
    monkeypatch.setattr(back_end, "_run_cells", ray.remote(**options)(run_cells))


def run(workers: RayWorkers, tasks: list[Task], stop: Event | None = None) -> Iterator[dict]:
    return chain.from_iterable(Driver(workers).run(tasks, stop or Event()))


def test_two_workers_give_the_same_numbers_as_this_process(workers: RayWorkers, tasks: list[Task]):
    inlined = [row for rows in inline.run(tasks, Event()) for row in rows]
    spread = list(run(workers, tasks))
    assert {row["status"] for row in spread} == {"ok"}
    assert {row["worker"] for row in spread}.isdisjoint({row["worker"] for row in inlined})
    assert by_cell(spread) == by_cell(inlined)


def test_each_way_to_end_is_one_final_row_and_the_others_are_untouched(
    workers: RayWorkers, tasks: list[Task], monkeypatch
):
    def end(task: Task) -> dict:
        if task.cell.seed in (3, 5, 9):
            sleep(0.2)  # a row that is still on its way when its worker dies is lost with it
        match task.cell.seed:
            case 3:
                os._exit(7)
            case 5 if task.attempt == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            case 7:
                signal.signal(signal.SIGALRM, signal.SIG_IGN)
                while True:
                    with suppress(BaseException):
                        sleep(60)
            case 9:
                sys.exit(3)
        return opening(task) | {"status": "ok", "wall_s": 0.001}

    use(monkeypatch, end)
    monkeypatch.setattr(driver, "ALARM_GRACE_S", 0.5)
    limited = [replace(task, timeout_s=1.0 if task.cell.seed == 7 else 600.0) for task in seeds(tasks[0], 40)]
    rows = list(run(workers, limited))
    outcomes: dict[int, list[str]] = {}
    for row in rows:
        outcomes.setdefault(row["seed"], []).append(row["status"])
        assert row["attempt"] == len(outcomes[row["seed"]])
        complete(row)
    expected = {seed: ["ok"] for seed in range(40)}
    assert outcomes == expected | {3: ["lost"] * 3, 5: ["lost", "ok"], 7: ["timeout"], 9: ["lost"] * 3}
    lost = next(row for row in rows if row["seed"] == 3)
    assert (lost["phase"], lost["exception"]) == ("worker", "WorkerCrashedError")
    assert lost["worker"].startswith(socket.gethostname())


def test_a_cell_that_hears_its_alarm_keeps_its_worker(workers: RayWorkers, tasks: list[Task], monkeypatch):
    def nap(task: Task) -> dict:
        try:
            with time_limit(task.timeout_s):
                sleep(60 if task.cell.seed == 0 else 0)
        except TimeLimit:
            return opening(task) | {"status": "timeout"}
        return opening(task) | {"status": "ok"}

    use(monkeypatch, nap)
    one = [replace(task, timeout_s=0.5) for task in seeds(tasks[0], 2)]
    assert {row["seed"]: row["status"] for row in run(workers, one)} == {0: "timeout", 1: "ok"}


def test_data_that_cannot_be_made_are_a_row_for_every_cell_that_needs_them(workers: RayWorkers, tasks: list[Task]):
    strict = tasks[1].protocol.model_copy(update={"reference_tolerance": 1e-300})
    chosen = [replace(task, protocol=strict) for task in tasks[:3]]
    rows = list(run(workers, chosen))
    failed = [row for row in rows if row["status"] == "error"]
    assert {row["cell_id"] for row in failed} == {task.cell_id for task in chosen if task.cell.learns}
    assert all("halving the step" in row["reason"] for row in failed)
    assert {row["phase"] for row in failed} == {"data"}
    assert {row["status"] for row in rows} == {"error", "ok"}  # what learns nothing has no need of them


@pytest.mark.slow
def test_a_data_set_is_made_once(workers: RayWorkers, tasks: list[Task], monkeypatch):
    made = []
    original = back_end._make_dataset

    class Noting:
        @staticmethod
        def remote(system: str, task: Task) -> object:
            made.append(system)
            return original.remote(system, task)

    monkeypatch.setattr(back_end, "_make_dataset", Noting)
    rows = list(run(RayWorkers(), [task for task in tasks if task.cell.model == "fshnn"]))
    assert made == ["harmonic_oscillator"]
    assert [row["status"] for row in rows] == ["ok"] * 3


def test_timed_cells_have_all_processors_and_others_one(workers: RayWorkers, tasks: list[Task], monkeypatch):
    def tell(task: Task) -> dict:
        cpus = ray.get_runtime_context().get_assigned_resources()["CPU"]
        return opening(task) | {"status": "ok", "reason": str(cpus)}

    use(monkeypatch, tell)
    rows = list(run(workers, tasks))
    assert workers.slots == 2.0
    assert {(row["kind"], row["reason"]) for row in rows} == {("train", "1.0"), ("profile", "2.0")}


def test_running_cells_get_a_grace_and_no_more_after_a_stop(workers: RayWorkers, tasks: list[Task], monkeypatch):
    def nap(task: Task) -> dict:
        sleep(0.5 if task.cell.seed == 0 else 60)
        return opening(task) | {"status": "ok"}

    use(monkeypatch, nap)
    monkeypatch.setattr(driver, "GRACE_S", 2.0)
    stop = Event()
    Timer(0.3, stop.set).start()
    start = monotonic()
    rows = list(run(workers, seeds(tasks[0], 10), stop))
    assert [row["seed"] for row in rows] == [0]
    assert monotonic() - start < 8


def test_every_port_is_open_to_this_machine_alone(workers: RayWorkers):
    import psutil  # Ray's own copy

    listening = set()
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # an idle worker may go meanwhile
            open_now = process.net_connections("inet")
            listening |= {(process.name(), own.laddr.ip) for own in open_now if own.status == "LISTEN"}
    assert {"gcs_server", "raylet"} <= {name for name, _ in listening}
    assert {ip for _, ip in listening} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@pytest.mark.slow
def test_prometheus_is_told_how_cells_ended_and_what_they_took(workers: RayWorkers, tasks: list[Task]):
    for row in run(workers, tasks):
        workers.metrics.note(row)
    workers.metrics.note(opening(tasks[0]) | {"status": "oom", "wall_s": 100.0})
    address = f"http://127.0.0.1:{ray.nodes()[0]['MetricsExportPort']}/metrics"
    names = ("cells_done", "cells_failed", "batches_running", "cell_seconds", "worker_peak_bytes")
    deadline = monotonic() + 60
    while missing := {
        name for name in names if f"ray_bench_{name}" not in (told := urlopen(address).read().decode())
    }:
        assert monotonic() < deadline, f"{missing} of:\n{told}"
        sleep(2)
    (done,) = [
        line
        for line in told.splitlines()
        if line.startswith("ray_bench_cells_done_total{") and 'status="oom"' in line
    ]
    assert float(done.split()[-1]) == 1
    peaks = [line for line in told.splitlines() if line.startswith("ray_bench_worker_peak_bytes{")]
    assert all(50e6 < float(line.split()[-1]) < 20e9 for line in peaks)


def test_what_a_cell_prints_comes_with_its_row(workers: RayWorkers, tasks: list[Task]):
    """By the real worker's code: the cell is one that fails, and says so on both streams."""
    unknown = replace(tasks[0], cell=replace(tasks[0].cell, model="no_such_model"))
    (row,) = run(workers, [unknown])
    assert row["status"] == "error"
    assert OUTPUT not in row, "it printed nothing"

    def shout() -> str:
        with listening() as said:
            print("from Python")
            os.write(2, b"from C\n")
        return said[0]

    assert ray.get(ray.remote(shout).remote()) == "from Python\nfrom C\n"


def test_what_no_node_can_give_is_refused_before_anything_starts(workers: RayWorkers, tasks: list[Task]):
    asking = {"cpus": Request(cpus=9.0), "memory": Request(memory_bytes=1 << 50), "card": Request(gpus=1.0)}
    possible, many, much = (replace(tasks[0], request=asking[name]) for name in ("card", "cpus", "memory"))
    assert workers.impossible(tasks[0]) is workers.impossible(possible) is None
    with pytest.raises(BadInput, match=r"asks for 9 CPU, 1 GiB on one node; the most .*: 2 CPU, \d"):
        refuse_impossible(workers.impossible, [tasks[0], many])
    with pytest.raises(BadInput, match=r"asks for 1 CPU, 1.05e\+06 GiB on one node"):
        refuse_impossible(workers.impossible, [much])


def test_a_cell_climbs_to_a_whole_card_and_quarters_share_one(workers: RayWorkers, tasks: list[Task], monkeypatch):
    """On a card that is only declared, with an error that is planted."""

    def on_a_card(task: Task) -> dict:
        import torch

        from bench import attempt

        held = []

        def build(*_: object) -> None:
            if task.cell.seed == 0:
                raise torch.OutOfMemoryError("CUDA out of memory")
            raise ValueError(f"card {os.environ['CUDA_VISIBLE_DEVICES']}, held to {held}")

        attempt.build, torch.cuda.set_per_process_memory_fraction = build, held.append
        return attempt.run_cell(task, lambda: pytest.fail("too late"))

    use(monkeypatch, on_a_card)
    quarter = [replace(task, request=Request(cpus=0.25, gpus=0.25)) for task in seeds(tasks[0], 3)]
    rows = list(run(workers, quarter))
    climbed = [row for row in rows if row["seed"] == 0]
    assert [(row["status"], row["attempt"], row["gpu_share"]) for row in climbed] == [
        ("oom", 1, 0.25),
        ("oom", 2, 0.5),
        ("oom", 3, 1.0),
    ]
    assert climbed[-1]["reason"] == "does not fit on this card: CUDA out of memory"
    assert {row["reason"] for row in rows if row["seed"] > 0} == {"card 0, held to [0.25]"}
