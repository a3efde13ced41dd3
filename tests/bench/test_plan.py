"""What of a grid is run, in which order, and how long that will take."""

import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
from planned_cells import block, cells

from bench.attempt import opening
from bench.cell import Task, cell_id
from bench.declarations import BadInput
from bench.expand import expand
from bench.grid import Block, Filters, Grid
from bench.plan import Plan, make_plan
from bench.run import parse_rerun
from bench.schema import SCHEMA
from bench.status import FAILED, Status

NO_ROWS = SCHEMA.empty_table().to_pandas()


def plan_of(*blocks: Block, rows: pd.DataFrame = NO_ROWS, rerun: frozenset[Status] = FAILED) -> Plan:
    return make_plan(expand(Grid(name="g", cells=list(blocks)), Filters()), rows, rerun)


def stored(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame([*rows]).reindex(columns=list(SCHEMA.names)) if rows else NO_ROWS


def row(task: Task, status: str = "ok", **changes) -> dict:
    return opening(task) | {"status": status, "wall_s": 2.0} | changes


def test_finished_cells_are_not_run_again():
    planned = cells(block())
    plan = plan_of(block(), rows=stored(row(planned[0].task), row(planned[1].task, "diverged")))
    assert (plan.finished, len(plan.run), plan.cells) == (2, 6, 8)


@pytest.mark.parametrize("status", ["error", "lost", "oom", "timeout"])
def test_cells_that_failed_are_tried_again(status: str):
    first = cells(block())[0].task
    plan = plan_of(block(), rows=stored(row(first, status, attempt=2)))
    again = next(task for task in plan.run if task.cell_id == first.cell_id)
    assert (len(plan.run), again.attempt) == (8, 3)


@pytest.mark.parametrize(
    ("words", "runs", "failed"),
    [
        (["failed"], {"timeout", "error"}, 0),
        (["none"], set(), 2),
        (["timeout"], {"timeout"}, 1),
        (["timeout", "ok"], {"timeout", "ok"}, 1),
        (["none", "diverged"], {"diverged"}, 2),
    ],
)
def test_which_rows_run_again_can_be_chosen(words: list[str], runs: set[str], failed: int):
    statuses = ("ok", "diverged", "timeout", "error")
    planned = cells(block(system="double_well"))
    rows = stored(*(row(item.task, status) for item, status in zip(planned, statuses, strict=True)))
    plan = plan_of(block(system="double_well"), rows=rows, rerun=parse_rerun(words))
    of = {item.task.cell_id: status for item, status in zip(planned, statuses, strict=True)}
    assert {of[task.cell_id] for task in plan.run} == runs
    assert (plan.failed_before, plan.cells) == (failed, 4)


def test_an_outcome_that_is_none_is_wrong_usage():
    with pytest.raises(BadInput, match=r"unknown outcome 'timeouts'\. Did you mean 'timeout'"):
        parse_rerun(["timeouts"])


def test_a_cell_whose_code_changed_is_run_again():
    rows = stored(row(replace(cells(block())[0].task, fingerprint="old")))
    assert len(plan_of(block(), rows=rows).run) == 8


def test_skipped_cells_are_written_down_once():
    constant = block(kind="profile", model="constant", seed=0)
    plan = plan_of(constant)
    assert (len(plan.run), len(plan.skip), plan.reasons.total()) == (0, 2, 2)
    assert plan.skip.reason(0) in plan.reasons
    assert plan.kinds == {("profile", system, "constant"): 1 for system in ("double_well", "henon_heiles")}
    again = plan_of(constant, rows=stored(*(row(task, "skipped", wall_s=None) for task in plan.skip)))
    assert (len(again.skip), again.skipped_before, again.cells, again.kinds.total()) == (0, 2, 2, 0)


def test_timed_cells_come_last_and_long_ones_first():
    plan = plan_of(block(kind="profile", seed=0), block(seed=0))
    assert [task.cell.exclusive for task in plan.run] == [False] * 4 + [True] * 4
    assert [task.cell.seq_len for task in plan.run][:4] == [6, 6, 4, 4]


def test_cells_that_took_long_come_first():
    planned = cells(block())
    took = {("henon_heiles", 4): 9.0, ("double_well", 6): 5.0}
    rows = stored(
        *(
            row(replace(item.task, fingerprint="old"), wall_s=took.get((cell.system, cell.seq_len), 1.0))
            for item in planned
            for cell in [item.task.cell]
        )
    )
    order = [(task.cell.system, task.cell.seq_len) for task in plan_of(block(), rows=rows).run]
    assert order[:4] == [("henon_heiles", 4)] * 2 + [("double_well", 6)] * 2


def test_a_plan_holds_the_cells_of_its_grid_in_any_order_of_asking():
    blocks = block(model=["fshnn", "constant", "hnn"]), block(kind="profile", seed=[0, 5])
    plan, planned = plan_of(*blocks), {item.task.cell_id: item.task for item in cells(*blocks)}
    assert len(plan.run) == len(planned)
    for index in reversed(range(len(plan.run))):
        assert plan.run[index] == planned[plan.run[index].cell_id]
    assert all(task.cell_id == cell_id(task.cell, task.protocol, task.recipe) for task in plan.run)


def test_the_estimate_divides_what_can_share_the_machine():
    blocks = block(), block(kind="profile")
    rows = stored(*(row(replace(item.task, fingerprint="old")) for item in cells(*blocks)))
    assert plan_of(*blocks, rows=rows).total_s(workers=2) == pytest.approx(8 * 2.0 / 2 + 8 * 2.0)


def test_there_is_no_estimate_without_earlier_rows():
    assert plan_of(block()).total_s(workers=2) is None


@pytest.mark.slow
def test_a_million_cells_are_planned_in_ten_seconds_and_500_mb():
    program = """
import resource, time
from bench.expand import expand
from bench.grid import Block, Filters, Grid
from bench.plan import Plan, make_plan
from bench.run import parse_rerun
from bench.schema import SCHEMA

block = Block(
    system=["double_well", "coupled_oscillator", "henon_heiles", "harmonic_oscillator", "pendulum"],
    model=["fshnn", "weak_form", "hnn", "srnn", "shnn"],
    gradient_mode=["backprop", "discrete", "continuous", "reversible"],
    integrator=["implicit_midpoint", "gauss_legendre4", "stormer_verlet"],
    seq_len=list(range(2, 52)), seed=list(range(%d)), protocol="paper", recipe=["one_cycle", "paper"],
)
start = time.process_time()
plan = make_plan(expand(Grid(name="g", cells=[block]), Filters()), SCHEMA.empty_table().to_pandas())
print(plan.cells, time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
    done = subprocess.run([sys.executable, "-c", program % 63], capture_output=True, text=True, check=True)
    cells, seconds, megabytes = map(float, done.stdout.split())
    assert cells > 1e6
    assert (seconds < 10, megabytes < 500) == (True, True), done.stdout
