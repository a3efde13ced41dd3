"""Grids played on clusters so small that their times can be worked out by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from bench.cell import Task
from bench.declarations import BadInput
from bench.resources import GIB, Request
from bench.schema import SCHEMA
from bench.simulate.cluster import Cluster, Nodes, load_cluster
from bench.simulate.play import Outcome, play
from bench.simulate.workers import SimulatedWorkers

NO_ROWS = SCHEMA.empty_table().to_pandas()
TEN = {"batch_s": 0.0, "report_s": 0.0, "unknown_s": 10.0}  # every cell takes ten seconds, and nothing else does


def nodes(count: int = 1, cpus: float = 2.0, **changes) -> Nodes:
    return Nodes(**{"count": count, "cpus": cpus, "memory_gib": 100.0, **changes})


def cells(task: Task, count: int, request: Request | None = None) -> list[Task]:
    asked = request or Request()
    one = replace(task, request=asked, timeout_s=600.0)
    return [replace(one, cell_id=str(seed), cell=replace(task.cell, seed=seed)) for seed in range(count)]


def played(tasks: list[Task], *kinds: Nodes, rows: pd.DataFrame = NO_ROWS, **cluster) -> Outcome:
    samples = {task.request: task for task in tasks}.values()
    return play(tasks, samples, Cluster(nodes=[*kinds], **{**TEN, **cluster}), rows, seed=0)


def test_as_many_cells_run_at_once_as_there_are_processors(train_task: Task):
    outcome = played(cells(train_task, 12), nodes(count=2, price_per_hour=36.0))
    assert outcome.makespan_s == pytest.approx(30)  # three rounds of four
    assert outcome.cpu_share == pytest.approx(1)
    assert outcome.cost == pytest.approx(2 * 36.0 * 30 / 3600)
    assert (outcome.cells, dict(outcome.attempts), outcome.unfinished) == (12, {"ok": 12}, 0)
    assert outcome.gpu_share is None


def test_a_last_round_that_is_not_full_is_paid_for(train_task: Task):
    outcome = played(cells(train_task, 5), nodes(cpus=4.0))
    assert (outcome.makespan_s, outcome.cpu_share) == (pytest.approx(20), pytest.approx(5 / 8))


@pytest.mark.parametrize(("share", "seconds"), [(0.25, 10), (0.5, 20), (1.0, 40)])
def test_cells_share_a_card_as_they_declare(train_task: Task, share: float, seconds: float):
    outcome = played(cells(train_task, 4, Request(gpus=share)), nodes(cpus=8.0, gpus=1))
    assert outcome.makespan_s == pytest.approx(seconds)
    assert outcome.gpu_share == pytest.approx(1)


def test_a_share_lies_on_one_card(train_task: Task):
    """Three cells of half a card leave two halves of two cards, which a cell of a whole card cannot have."""
    halves, whole = cells(train_task, 3, Request(gpus=0.5)), cells(train_task, 4, Request(gpus=1.0))[3:]
    outcome = played(halves + whole, nodes(cpus=8.0, gpus=2))
    assert outcome.makespan_s == pytest.approx(20)


def test_a_timed_cell_waits_for_a_whole_node(train_task: Task):
    timed = cells(train_task, 6, Request(alone=True))[4:]
    outcome = played(cells(train_task, 4) + timed, nodes(cpus=4.0))
    assert (outcome.makespan_s, outcome.cpu_share) == (pytest.approx(30), pytest.approx(1))


def test_memory_bounds_what_runs_at_once(train_task: Task):
    outcome = played(cells(train_task, 4, Request(memory_bytes=40 * GIB)), nodes(cpus=4.0))
    assert (outcome.makespan_s, outcome.cpu_share) == (pytest.approx(20), pytest.approx(0.5))


def test_a_request_that_no_node_meets_is_wrong_usage(train_task: Task):
    with pytest.raises(BadInput, match="asks for 3 CPU, 1 GiB"):
        played(cells(train_task, 1, Request(cpus=3.0)), nodes())


def test_batches_cost_their_start_and_the_driver_its_time(train_task: Task):
    outcome = played(cells(train_task, 2), nodes(cpus=1.0), batch_s=1.0)
    assert outcome.makespan_s == pytest.approx(22)
    assert outcome.cpu_share == pytest.approx(1)  # the worker is taken meanwhile
    assert played(cells(train_task, 2), nodes(cpus=1.0), report_s=0.1).makespan_s == pytest.approx(20.2, abs=0.15)


def test_a_cell_longer_than_its_limit_is_stopped(train_task: Task):
    limited = [replace(task, timeout_s=4.0) for task in cells(train_task, 2)]
    outcome = played(limited, nodes(cpus=1.0))
    assert (outcome.makespan_s, dict(outcome.attempts)) == (pytest.approx(8), {"timeout": 2})


def test_a_node_that_fails_loses_its_cells_and_they_run_again(train_task: Task, monkeypatch):
    failures = iter([25.0] + [float("inf")] * 100)  # of the node, then of everything
    monkeypatch.setattr(SimulatedWorkers, "_until_failure", lambda self, mean: next(failures))
    outcome = played(
        cells(train_task, 4), nodes(price_per_hour=3600.0, fails_after_h=1.0, back_after_s=5.0, cpus=1.0)
    )
    # 20 s for two cells, 5 s lost with the third, 5 s without a node, 20 s for two cells
    assert outcome.makespan_s == pytest.approx(50)
    assert dict(outcome.attempts) == {"ok": 4, "lost": 1}
    assert (outcome.cells, outcome.unfinished, outcome.lost_s) == (4, 0, pytest.approx(5))
    assert outcome.cost == pytest.approx(45)


def test_a_worker_that_fails_every_time_ends_as_lost(train_task: Task, monkeypatch):
    monkeypatch.setattr(SimulatedWorkers, "_until_failure", lambda self, mean: float("inf") if mean is None else 4.0)
    outcome = played(cells(train_task, 1), nodes(), worker_fails_after_h=1.0)
    assert (dict(outcome.attempts), outcome.unfinished, outcome.lost_s) == ({"lost": 3}, 1, pytest.approx(12))


def test_durations_are_drawn_from_the_stored_cells_that_are_most_alike(train_task: Task):
    stored = pd.DataFrame(
        [{**vars(train_task.cell), "status": "ok", "wall_s": seconds, "seed": seconds} for seconds in (2.0, 2.0)]
        + [{**vars(train_task.cell), "status": "ok", "wall_s": 50.0, "model": "hnn"}]
        + [{**vars(train_task.cell), "status": "timeout", "wall_s": 99.0}]
    )
    outcome = played(cells(train_task, 3), nodes(cpus=1.0), rows=stored, unknown_s=None)
    assert outcome.makespan_s == pytest.approx(6)
    assert dict(outcome.likeness) == {"of the same kind but for the seed": 3}
    other = [replace(task, cell=replace(task.cell, model="srnn")) for task in cells(train_task, 1)]
    assert dict(played(other, nodes(), rows=stored, unknown_s=None).likeness) == {"of any model": 1}
    profiled = [replace(task, cell=replace(task.cell, kind="profile")) for task in cells(train_task, 1)]
    with pytest.raises(BadInput, match="no stored row tells how long profile"):
        played(profiled, nodes(), rows=stored, unknown_s=None)


def test_the_same_seed_gives_the_same_play(train_task: Task):
    stored = pd.DataFrame([{**vars(train_task.cell), "status": "ok", "wall_s": s} for s in (1.0, 5.0, 30.0)])
    flaky = {"rows": stored, "worker_fails_after_h": 0.02}
    once, again = (played(cells(train_task, 50), nodes(fails_after_h=0.05), **flaky) for _ in range(2))
    assert once.attempts["lost"] > 0
    assert (once.makespan_s, once.attempts, once.lost_s) == (again.makespan_s, again.attempts, again.lost_s)


@pytest.mark.parametrize("name", ["two_cores", "sixteen_nodes"])
def test_declared_clusters_can_be_read(name: str):
    assert load_cluster(name).nodes
